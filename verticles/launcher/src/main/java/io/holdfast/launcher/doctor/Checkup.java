package io.holdfast.launcher.doctor;

import io.holdfast.runtime.jetstream.Inspection;
import io.holdfast.runtime.jetstream.Inspection.ConsumerLimits;
import io.holdfast.runtime.jetstream.Inspection.StreamSize;
import io.holdfast.runtime.jetstream.StreamCatalog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The settings that the promises rest on, held against what they must be. Pure. */
public final class Checkup {

  /** A block of the ledger, at most 512 KiB, with its headers; a fact is at most 256 KiB. */
  private static final long LARGEST_MESSAGE = 600 * 1024;

  /** What an append may take after the gateway has answered. */
  private static final Duration APPEND_LIMIT = Duration.ofSeconds(5);

  private static final double NEARLY_FULL = 0.8;

  private Checkup() {}

  /**
   * @param storage empty if the broker's monitoring cannot be asked
   * @param gatewayTimeout the longest that payments waits for one call
   */
  public static List<Finding> of(
      Inspection broker, Optional<StorageFacts> storage, Duration gatewayTimeout) {
    List<Finding> findings = new ArrayList<>();
    findings.add(
        Finding.ok(
            "version", "nats-server " + broker.serverVersion() + " knows guards and batches"));
    if (broker.problems().isEmpty()) {
      findings.add(
          Finding.ok(
              "streams",
              "%d streams and %d consumers are as they must be"
                  .formatted(broker.streams().size(), broker.consumers().size())));
    }
    broker
        .problems()
        .forEach(
            problem ->
                findings.add(
                    Finding.unsafe(
                        "streams",
                        problem,
                        "set it back with the nats tool; a service never changes what is there")));
    findings.add(storage.map(Checkup::sync).orElseGet(Checkup::unknownSync));
    replicas(broker).ifPresent(findings::add);
    findings.addAll(sizes(broker, storage));
    findings.add(ackWait(broker, gatewayTimeout));
    if (broker.maxPayload() < LARGEST_MESSAGE) {
      findings.add(
          Finding.unsafe(
              "max_payload",
              "%,d bytes is less than a block of the ledger needs".formatted(broker.maxPayload()),
              "set max_payload to 1MB"));
    }
    findings.add(rights(broker));
    return findings;
  }

  /**
   * @param user of the broker
   * @param beyond what this user may do and must not
   */
  public static Finding rights(String user, List<String> beyond) {
    return beyond.isEmpty()
        ? Finding.ok("rights", "user " + user + " may do no more than it must")
        : Finding.unsafe(
            "rights",
            "user %s may %s".formatted(user, String.join(", ", beyond)),
            "give the broker what ./holdfast provision --print-rights prints");
  }

  private static Finding sync(StorageFacts storage) {
    return storage.syncAlways()
        ? Finding.ok("sync", "every write is on the disk before it is acknowledged")
        : Finding.unsafe(
            "sync",
            "an acknowledged write is on the disk after up to %d s: a power cut loses accepted orders"
                .formatted(storage.syncIntervalSeconds()),
            "set sync_interval: always in the broker's jetstream block");
  }

  private static Finding unknownSync() {
    return Finding.warning(
        "sync",
        "whether writes are synced cannot be asked: the broker's monitoring is not known",
        "give its address with --monitor, and see that sync_interval is always");
  }

  private static Optional<Finding> replicas(Inspection broker) {
    long single = broker.streams().stream().filter(stream -> stream.replicas() < 3).count();
    if (single == 0) {
      return Optional.of(Finding.ok("replicas", "every stream has three copies or more"));
    }
    return Optional.of(
        Finding.warning(
            "replicas",
            single + " streams have fewer than three copies: they are lost with a disk",
            broker.cluster().isEmpty()
                ? "for production run three servers and set STREAM_REPLICAS=3"
                : "set STREAM_REPLICAS=3 before the streams are created"));
  }

  private static List<Finding> sizes(Inspection broker, Optional<StorageFacts> storage) {
    List<Finding> findings = new ArrayList<>();
    for (StreamSize stream : broker.streams()) {
      if (stream.bytes() > stream.maxBytes() * NEARLY_FULL) {
        findings.add(
            Finding.warning(
                "limits",
                "stream %s is %d %% full; no new orders are taken in until it has room"
                    .formatted(stream.name(), 100 * stream.bytes() / stream.maxBytes()),
                "raise its max_bytes"));
      }
    }
    ledger(broker).ifPresent(findings::add);
    long together = broker.streams().stream().mapToLong(StreamSize::maxBytes).sum();
    storage
        .map(StorageFacts::volumeBytes)
        .filter(bytes -> bytes > 0)
        .ifPresent(
            bytes ->
                findings.add(
                    together <= bytes
                        ? Finding.ok(
                            "limits",
                            "the streams' limits together, %,d MiB, fit the volume"
                                .formatted(together >> 20))
                        : Finding.unsafe(
                            "limits",
                            "the streams may grow to %,d MiB, the volume has %,d MiB: a full disk stops the broker until it is restarted"
                                .formatted(together >> 20, bytes >> 20),
                            "lower STREAM_MAX_BYTES or give the broker a larger volume")));
    storage
        .map(StorageFacts::maxStorage)
        .filter(bytes -> bytes > 0 && bytes < together)
        .ifPresent(
            bytes ->
                findings.add(
                    Finding.warning(
                        "limits",
                        "the streams may grow to %,d MiB, the broker allows %,d MiB"
                            .formatted(together >> 20, bytes >> 20),
                        "lower STREAM_MAX_BYTES or raise max_file_store")));
    return findings;
  }

  /** A ledger that is full before the streams that it seals would leave changes of state out. */
  private static Optional<Finding> ledger(Inspection broker) {
    long sealed = 0;
    long ledger = 0;
    for (StreamSize stream : broker.streams()) {
      String name = stream.name().substring(stream.name().lastIndexOf('_') + 1);
      if (StreamCatalog.AUDITED.contains(name)) {
        sealed += stream.maxBytes();
      } else if (name.equals(StreamCatalog.LEDGER)) {
        ledger = stream.maxBytes();
      }
    }
    return ledger > 0 && ledger < sealed
        ? Optional.of(
            Finding.unsafe(
                "limits",
                "the ledger may grow to %,d MiB, the streams that it seals to %,d MiB"
                    .formatted(ledger >> 20, sealed >> 20),
                "raise the max_bytes of stream AUDIT to their sum"))
        : Optional.empty();
  }

  private static Finding ackWait(Inspection broker, Duration gatewayTimeout) {
    Duration bound = gatewayTimeout.plus(APPEND_LIMIT);
    return broker.consumers().stream()
        .filter(consumer -> consumer.ackWait().compareTo(bound) <= 0)
        .map(ConsumerLimits::name)
        .findFirst()
        .map(
            name ->
                Finding.unsafe(
                    "ack_wait",
                    "%s may be delivered again while its first handler still waits (%d s)"
                        .formatted(name, bound.toSeconds()),
                    "lower PAYMENT_GATEWAY_TIMEOUT_MS"))
        .orElseGet(
            () ->
                Finding.ok(
                    "ack_wait",
                    "longer than the %d s a handler may take".formatted(bound.toSeconds())));
  }

  private static Finding rights(Inspection broker) {
    if (!broker.authRequired()) {
      return Finding.warning(
          "rights",
          "the broker asks nobody who he is: whoever reaches it may write facts",
          "give each service its own user, and keep the broker's port inside");
    }
    return broker.tlsRequired()
        ? Finding.ok("rights", "clients say who they are, over TLS")
        : Finding.warning("rights", "passwords travel in the clear", "turn on TLS at the broker");
  }
}
