package io.holdfast.launcher.doctor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.launcher.doctor.Finding.Level;
import io.holdfast.runtime.jetstream.Inspection;
import io.holdfast.runtime.jetstream.Inspection.ConsumerLimits;
import io.holdfast.runtime.jetstream.Inspection.StreamSize;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: no setting that breaks a promise passes. Method: a safe system, and one fault at a time.
 */
class CheckupTest {

  private static final long GIB = 1L << 30;
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final StorageFacts SYNCED = new StorageFacts(true, 0, 20 * GIB, 10 * GIB);

  private static final Inspection SAFE =
      new Inspection(
          "2.15.1",
          1 << 20,
          true,
          true,
          "east",
          List.of(new StreamSize("ORDERS", 3, 1_000, GIB), new StreamSize("AUDIT", 3, 0, GIB)),
          List.of(new ConsumerLimits("payments-charge", Duration.ofSeconds(30), 65_536)),
          List.of());

  private static Inspection with(StreamSize... streams) {
    return new Inspection(
        SAFE.serverVersion(),
        SAFE.maxPayload(),
        true,
        true,
        SAFE.cluster(),
        List.of(streams),
        SAFE.consumers(),
        List.of());
  }

  private static Inspection with(
      long maxPayload, boolean auth, boolean tls, Duration ackWait, List<String> problems) {
    return new Inspection(
        SAFE.serverVersion(),
        maxPayload,
        auth,
        tls,
        SAFE.cluster(),
        SAFE.streams(),
        List.of(new ConsumerLimits("payments-charge", ackWait, 65_536)),
        problems);
  }

  static Stream<Arguments> faults() {
    Duration wait = Duration.ofSeconds(30);
    return Stream.of(
        arguments(
            with(1 << 20, true, true, wait, List.of("stream ORDERS has deny_delete false")),
            SYNCED,
            Level.UNSAFE,
            "streams"),
        arguments(SAFE, new StorageFacts(false, 120, 0, 10 * GIB), Level.UNSAFE, "sync"),
        arguments(SAFE, null, Level.WARNING, "sync"),
        arguments(SAFE, new StorageFacts(true, 0, 0, GIB), Level.UNSAFE, "limits"),
        arguments(SAFE, new StorageFacts(true, 0, GIB, 10 * GIB), Level.WARNING, "limits"),
        arguments(with(new StreamSize("ORDERS", 3, GIB - 1, GIB)), SYNCED, Level.WARNING, "limits"),
        arguments(
            with(
                new StreamSize("x_ORDERS", 3, 0, GIB),
                new StreamSize("x_PAYMENTS", 3, 0, GIB),
                new StreamSize("x_AUDIT", 3, 0, GIB)),
            SYNCED,
            Level.UNSAFE,
            "limits"),
        arguments(with(new StreamSize("ORDERS", 1, 0, GIB)), SYNCED, Level.WARNING, "replicas"),
        arguments(
            with(1 << 20, true, true, Duration.ofSeconds(10), List.of()),
            SYNCED,
            Level.UNSAFE,
            "ack_wait"),
        arguments(with(64 << 10, true, true, wait, List.of()), SYNCED, Level.UNSAFE, "max_payload"),
        arguments(with(1 << 20, false, false, wait, List.of()), SYNCED, Level.WARNING, "rights"),
        arguments(with(1 << 20, true, false, wait, List.of()), SYNCED, Level.WARNING, "rights"));
  }

  @Test
  void a_safe_system_has_nothing_to_mend() {
    assertThat(Checkup.of(SAFE, Optional.of(SYNCED), TIMEOUT))
        .isNotEmpty()
        .allSatisfy(finding -> assertThat(finding.level()).isEqualTo(Level.OK));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void each_fault_is_found_alone_and_comes_with_a_remedy(
      Inspection broker, StorageFacts storage, Level level, String check) {
    List<Finding> found =
        Checkup.of(broker, Optional.ofNullable(storage), TIMEOUT).stream()
            .filter(finding -> finding.level() != Level.OK)
            .toList();

    assertThat(found)
        .singleElement()
        .satisfies(
            finding -> {
              assertThat(finding.level()).isEqualTo(level);
              assertThat(finding.check()).isEqualTo(check);
              assertThat(finding.remedy()).isNotEmpty();
            });
  }

  @Test
  void a_user_who_may_do_more_than_he_must_is_not_safe() {
    assertThat(Checkup.rights("payments", List.of()).level()).isEqualTo(Level.OK);
    assertThat(Checkup.rights("payments", List.of("delete streams", "write to ORDERS")))
        .satisfies(
            finding -> {
              assertThat(finding.level()).isEqualTo(Level.UNSAFE);
              assertThat(finding.says())
                  .isEqualTo("user payments may delete streams, write to ORDERS");
              assertThat(finding.remedy()).isNotEmpty();
            });
  }
}
