package io.holdfast.broker;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Starts a program in a session, and so a process group, of its own. A terminal sends Ctrl-C to the
 * whole group in the foreground; a server in it would be gone before those that use it have
 * drained, and a service that its parent stops as well would be told twice. To ignore the signal
 * does not help: nats-server listens for it whatever it inherits.
 *
 * <p>Both ways below replace themselves by the program, which keeps the process id that its parent
 * knows.
 */
public final class OwnSession {

  private static final String PERL =
      "use POSIX 'setsid'; setsid() != -1 or die 'setsid'; exec { $ARGV[0] } @ARGV or die 'exec'";

  private OwnSession() {}

  /**
   * The command that starts {@code command} so. Where neither {@code setsid} (Linux) nor {@code
   * perl} (macOS) is there, the command itself: it works, but Ctrl-C stops it at once.
   */
  public static List<String> of(Map<String, String> environment, List<String> command) {
    return Stream.of(List.of("setsid"), List.of("perl", "-e", PERL, "--"))
        .filter(way -> SearchPath.programs(environment, way.get(0)).findAny().isPresent())
        .findFirst()
        .map(way -> Stream.concat(way.stream(), command.stream()).toList())
        .orElse(command);
  }
}
