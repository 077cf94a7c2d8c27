package io.holdfast.events;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Golden.Sample;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Goal: nothing that may lie in a stream is a surprise. Method: stored events with random damage,
 * other ones at each run; a failure names the seed, and {@code -Dholdfast.seed=...} repeats it.
 */
class EventCodecMutationTest {

  private static final int MUTANTS = Integer.getInteger("holdfast.mutants", 8_000);

  /** What hand-written and hostile messages have in place of a value. */
  private static final List<String> NASTY =
      List.of(
          "null",
          "true",
          "0",
          "-1",
          "1e999999999",
          "-1e-999999999",
          "1e99999999999",
          "9223372036854775808",
          "1.0",
          "NaN",
          "\"\"",
          "\"\\ud800\"",
          "\"\\u0000\"",
          "\"2026-12-31T23:59:60Z\"",
          "\"XXX\"",
          "[]",
          "[null]",
          "{}",
          "{\"\":null}");

  private final EventCodec codec = new EventCodec();

  @Test
  void a_damaged_event_is_refused_with_a_reason_or_read_as_one_that_can_be_stored_again() {
    long seed = Long.getLong("holdfast.seed", System.nanoTime());
    Random random = new Random(seed);
    List<byte[]> stored =
        Golden.samples().stream().map(Sample::envelope).map(codec::encode).toList();
    int read = 0;
    for (int i = 0; i < MUTANTS; i++) {
      byte[] mutant = stored.get(random.nextInt(stored.size()));
      for (int damage = random.nextInt(1, 4); damage > 0; damage--) {
        mutant = damaged(mutant, stored.get(random.nextInt(stored.size())), random);
      }
      try {
        Envelope<?> envelope = codec.decode(mutant);
        read++;
        assertThat(codec.decode(codec.encode(envelope))).isEqualTo(envelope);
      } catch (UndecodableEventException refused) {
        assertThat(refused.reason()).isNotNull();
        assertThat(refused.getMessage()).isNotBlank();
      } catch (Exception | AssertionError | StackOverflowError surprise) {
        throw new AssertionError(
            "seed " + seed + ", mutant " + i + ": " + new String(mutant, UTF_8), surprise);
      }
    }
    // Else all were damaged so badly that only the parser was tried.
    assertThat(read).isBetween(MUTANTS / 100, MUTANTS / 2);
  }

  private static byte[] damaged(byte[] bytes, byte[] other, Random random) {
    if (bytes.length < 2) {
      return other;
    }
    int from = random.nextInt(bytes.length);
    int to = random.nextInt(from, Math.min(bytes.length, from + 40)) + 1;
    return switch (random.nextInt(7)) {
      case 0 -> { // another byte
        byte[] changed = bytes.clone();
        changed[from] = (byte) random.nextInt(256);
        yield changed;
      }
      case 1 -> { // another printable one, which stays within a text more often
        byte[] changed = bytes.clone();
        changed[from] = (byte) random.nextInt(' ', 127);
        yield changed;
      }
      case 2 -> replaced(bytes, from, to, new byte[0]);
      case 3 -> replaced(bytes, from, from, slice(bytes, from, to));
      case 4 -> { // a piece of another event
        int start = random.nextInt(other.length);
        yield replaced(
            bytes, from, to, slice(other, start, Math.min(other.length, start + to - from)));
      }
      case 5 -> slice(bytes, 0, to);
      default -> { // another value
        int value = valueAfter(bytes, from);
        int end = endOfValue(bytes, value);
        yield replaced(bytes, value, end, NASTY.get(random.nextInt(NASTY.size())).getBytes(UTF_8));
      }
    };
  }

  private static int valueAfter(byte[] bytes, int from) {
    for (int i = from; i < bytes.length - 1; i++) {
      if (bytes[i] == ':') {
        return i + 1;
      }
    }
    return bytes.length - 1;
  }

  private static int endOfValue(byte[] bytes, int from) {
    for (int i = from; i < bytes.length; i++) {
      if (bytes[i] == ',' || bytes[i] == '}' || bytes[i] == ']') {
        return i;
      }
    }
    return bytes.length;
  }

  private static byte[] slice(byte[] bytes, int from, int to) {
    return Arrays.copyOfRange(bytes, from, to);
  }

  private static byte[] replaced(byte[] bytes, int from, int to, byte[] by) {
    byte[] result = new byte[bytes.length - (to - from) + by.length];
    System.arraycopy(bytes, 0, result, 0, from);
    System.arraycopy(by, 0, result, from, by.length);
    System.arraycopy(bytes, to, result, from + by.length, bytes.length - to);
    return result;
  }
}
