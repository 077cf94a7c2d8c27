package io.holdfast.broker;

import java.util.Comparator;
import java.util.regex.Pattern;

/**
 * Which release a nats-server is, as it says itself. What follows a dash is left out: {@code
 * 2.15.0-dev} counts as 2.15.0.
 */
public record NatsServerVersion(int major, int minor, int patch)
    implements Comparable<NatsServerVersion> {

  /**
   * The oldest that our promises hold on. Older ones do not refuse the stream options they do not
   * know, they ignore them, and have open security faults.
   */
  public static final NatsServerVersion MINIMUM = new NatsServerVersion(2, 12, 7);

  private static final Pattern TEXT =
      Pattern.compile("(?:nats-server: )?v?(\\d{1,5})\\.(\\d{1,5})\\.(\\d{1,5})(?:[-+~]\\S*)?");

  private static final Comparator<NatsServerVersion> ORDER =
      Comparator.comparingInt(NatsServerVersion::major)
          .thenComparingInt(NatsServerVersion::minor)
          .thenComparingInt(NatsServerVersion::patch);

  /**
   * Reads what {@code nats-server --version} prints ({@code nats-server: v2.15.1}) or a bare
   * version ({@code 2.15.1}).
   *
   * @throws IllegalArgumentException if the text is neither
   */
  public static NatsServerVersion parse(String text) {
    var match = TEXT.matcher(text.strip());
    if (!match.matches()) {
      throw new IllegalArgumentException("not the version of a nats-server: " + text.strip());
    }
    return new NatsServerVersion(
        Integer.parseInt(match.group(1)),
        Integer.parseInt(match.group(2)),
        Integer.parseInt(match.group(3)));
  }

  /** Whether this one is {@link #MINIMUM} or newer. */
  public boolean isNewEnough() {
    return compareTo(MINIMUM) >= 0;
  }

  @Override
  public int compareTo(NatsServerVersion other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return major + "." + minor + "." + patch;
  }
}
