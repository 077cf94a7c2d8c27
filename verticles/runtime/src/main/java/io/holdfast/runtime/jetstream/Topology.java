package io.holdfast.runtime.jetstream;

import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.jetstream.Inspection.ConsumerLimits;
import io.holdfast.runtime.jetstream.Inspection.StreamSize;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.jetstream.StreamCatalog.StreamSpec;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.CompressionOption;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DeliverPolicy;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.ServerInfo;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;

/**
 * Creates the streams and consumers that are missing and checks those that are there. What exists
 * is never changed: a difference that would break a promise is a problem for a person.
 *
 * <p>Blocking; for worker threads.
 */
final class Topology {

  private static final Duration DUPLICATE_WINDOW = Duration.ofMinutes(2);

  /**
   * The most one message may hold, so that it still fits a ledger's line or a dead letter below the
   * broker's 1 MiB.
   */
  private static final int MAX_FACT_BYTES = 256 * 1024;

  private static final int CONSUMER_NOT_FOUND = 10014;

  /** With a reason: the store holds what this server cannot read. */
  private static final Set<Integer> OFFLINE = Set.of(10194, 10195);

  private static final int STREAM_NAME_IN_USE = 10058;
  private static final int CONSUMER_EXISTS = 10148;

  private final Connection connection;
  private final CommonSettings settings;
  private final Logger log;
  private final Witness witness;
  private final Consumer<String> created;

  Topology(Connection connection, CommonSettings settings, Logger log, Witness witness) {
    this(connection, settings, log, witness, created -> {});
  }

  /**
   * @param created is told of each stream and consumer that was created: {@code stream ORDERS}
   */
  Topology(
      Connection connection,
      CommonSettings settings,
      Logger log,
      Witness witness,
      Consumer<String> created) {
    this.created = created;
    this.connection = connection;
    this.settings = settings;
    this.log = log;
    this.witness = witness;
  }

  /**
   * @param mayCreate false once the group has been ready: what vanished since must not be replaced
   *     by something empty
   * @return what is wrong, one sentence each; empty if all is well
   */
  List<String> ensureStreams(List<String> names, boolean mayCreate)
      throws IOException, JetStreamApiException {
    JetStreamManagement management = connection.jetStreamManagement();
    List<String> problems = new ArrayList<>();
    for (String name : names) {
      StreamSpec spec = StreamCatalog.stream(name);
      StreamConfiguration wanted = configuration(spec);
      StreamInfo found;
      try {
        found = management.getStreamInfo(wanted.getName());
      } catch (JetStreamApiException e) {
        if (OFFLINE.contains(e.getApiErrorCode())) {
          problems.add(offline(wanted.getName(), e));
          continue;
        }
        if (e.getApiErrorCode() != BrokerException.STREAM_NOT_FOUND) {
          throw e;
        }
        if (!mayCreate) {
          problems.add("stream " + wanted.getName() + " is not there");
          continue;
        }
        found = create(management, wanted);
      }
      List<String> differences = differences(wanted, found.getConfiguration());
      if (differences.isEmpty()) {
        witness.saw(found);
      }
      problems.addAll(differences);
    }
    return problems;
  }

  /** As {@link #ensureStreams}, for one durable consumer. */
  List<String> ensureConsumer(ConsumerSpec spec, boolean mayCreate)
      throws IOException, JetStreamApiException {
    JetStreamManagement management = connection.jetStreamManagement();
    String stream = settings.subjects().stream(spec.stream());
    ConsumerConfiguration wanted = configuration(spec);
    ConsumerConfiguration found;
    try {
      found = management.getConsumerInfo(stream, spec.name()).getConsumerConfiguration();
    } catch (JetStreamApiException e) {
      if (e.getApiErrorCode() == BrokerException.STREAM_NOT_FOUND) {
        return List.of("stream " + stream + " is not there");
      }
      if (OFFLINE.contains(e.getApiErrorCode())) {
        return List.of(offline(stream, e));
      }
      if (e.getApiErrorCode() != CONSUMER_NOT_FOUND) {
        throw e;
      }
      if (!mayCreate) {
        return List.of("consumer " + spec.name() + " of stream " + stream + " is not there");
      }
      found = create(management, stream, wanted);
    }
    return differences(stream, wanted, found);
  }

  /**
   * Every stream and consumer of every group, also those that need not be there; but where nothing
   * may be created, such a one is only told of if it is not.
   */
  Provisioned ensureAll(boolean mayCreate) throws IOException, JetStreamApiException {
    List<String> problems = new ArrayList<>();
    List<String> absent = new ArrayList<>();
    List<ConsumerSpec> consumers = new ArrayList<>(StreamCatalog.CONSUMERS);
    consumers.addAll(StreamCatalog.REDRIVE_CONSUMERS);
    for (StreamSpec spec : StreamCatalog.STREAMS) {
      problems.addAll(ensureStreams(List.of(spec.name()), mayCreate));
    }
    List<String> present = connection.jetStreamManagement().getStreamNames();
    for (StreamSpec spec : StreamCatalog.OPTIONAL_STREAMS) {
      String stream = settings.subjects().stream(spec.name());
      List<ConsumerSpec> own =
          StreamCatalog.OPTIONAL_CONSUMERS.stream()
              .filter(consumer -> consumer.stream().equals(spec.name()))
              .toList();
      if (mayCreate || present.contains(stream)) {
        problems.addAll(ensureStreams(List.of(spec.name()), mayCreate));
        own.forEach(consumer -> consumers.addAll(List.of(consumer, consumer.redriven())));
      } else {
        absent.add(
            "stream %s with consumer %s (optional, made when %s is set)"
                .formatted(
                    stream,
                    String.join(", ", own.stream().map(ConsumerSpec::name).toList()),
                    StreamCatalog.ASKED_FOR_BY.get(spec.name())));
      }
    }
    for (ConsumerSpec spec : consumers) {
      problems.addAll(ensureConsumer(spec, mayCreate));
    }
    return new Provisioned(problems, absent);
  }

  /** Everything in the catalogue, as it is; what need not be there, only if it is. */
  Inspection inspect() throws IOException, JetStreamApiException {
    JetStreamManagement management = connection.jetStreamManagement();
    List<String> problems = new ArrayList<>();
    List<StreamSize> streams = new ArrayList<>();
    List<StreamSpec> specs = new ArrayList<>(StreamCatalog.STREAMS);
    List<ConsumerSpec> consumerSpecs = new ArrayList<>(StreamCatalog.CONSUMERS);
    consumerSpecs.addAll(StreamCatalog.REDRIVE_CONSUMERS);
    List<String> present = management.getStreamNames();
    for (StreamSpec spec : StreamCatalog.OPTIONAL_STREAMS) {
      if (present.contains(settings.subjects().stream(spec.name()))) {
        specs.add(spec);
        StreamCatalog.OPTIONAL_CONSUMERS.stream()
            .filter(consumer -> consumer.stream().equals(spec.name()))
            .forEach(
                consumer -> {
                  consumerSpecs.add(consumer);
                  consumerSpecs.add(consumer.redriven());
                });
      }
    }
    for (StreamSpec spec : specs) {
      problems.addAll(ensureStreams(List.of(spec.name()), false));
      try {
        StreamInfo info = management.getStreamInfo(settings.subjects().stream(spec.name()));
        StreamConfiguration config = info.getConfiguration();
        streams.add(
            new StreamSize(
                config.getName(),
                config.getReplicas(),
                info.getStreamState().getByteCount(),
                config.getMaxBytes()));
      } catch (JetStreamApiException e) {
        if (e.getApiErrorCode() != BrokerException.STREAM_NOT_FOUND
            && !OFFLINE.contains(e.getApiErrorCode())) {
          throw e; // else it is among the problems
        }
      }
    }
    List<ConsumerLimits> consumers = new ArrayList<>();
    for (ConsumerSpec spec : consumerSpecs) {
      List<String> found = ensureConsumer(spec, false);
      problems.addAll(found);
      if (found.isEmpty()) {
        ConsumerConfiguration config =
            management
                .getConsumerInfo(settings.subjects().stream(spec.stream()), spec.name())
                .getConsumerConfiguration();
        consumers.add(
            new ConsumerLimits(spec.name(), config.getAckWait(), config.getMaxAckPending()));
      }
    }
    ServerInfo server = connection.getServerInfo();
    return new Inspection(
        server.getVersion(),
        server.getMaxPayload(),
        server.isAuthRequired(),
        server.isTLSRequired(),
        server.getCluster() == null ? "" : server.getCluster(),
        streams,
        consumers,
        problems);
  }

  private static String offline(String stream, JetStreamApiException why) {
    return "stream " + stream + " cannot be used: " + why.getErrorDescription();
  }

  private StreamInfo create(JetStreamManagement management, StreamConfiguration wanted)
      throws IOException, JetStreamApiException {
    try {
      StreamInfo created = management.addStream(wanted);
      this.created.accept("stream " + wanted.getName());
      log.atInfo().addKeyValue("stream", wanted.getName()).log("Stream created");
      return created;
    } catch (JetStreamApiException e) {
      if (e.getApiErrorCode() != STREAM_NAME_IN_USE) {
        throw e;
      }
      return management.getStreamInfo(wanted.getName()); // another was first
    }
  }

  private ConsumerConfiguration create(
      JetStreamManagement management, String stream, ConsumerConfiguration wanted)
      throws IOException, JetStreamApiException {
    try {
      ConsumerConfiguration created =
          management.createConsumer(stream, wanted).getConsumerConfiguration();
      this.created.accept("consumer " + wanted.getDurable() + " of stream " + stream);
      log.atInfo().addKeyValue("consumer", wanted.getDurable()).log("Consumer created");
      return created;
    } catch (JetStreamApiException e) {
      if (e.getApiErrorCode() != CONSUMER_EXISTS) {
        throw e;
      }
      return management.getConsumerInfo(stream, wanted.getDurable()).getConsumerConfiguration();
    }
  }

  private StreamConfiguration configuration(StreamSpec spec) {
    StreamConfiguration.Builder builder =
        StreamConfiguration.builder()
            .name(settings.subjects().stream(spec.name()))
            .subjects(spec.subjects().stream().map(settings.subjects()::subject).toList())
            .storageType(StorageType.File)
            .retentionPolicy(RetentionPolicy.Limits)
            .discardPolicy(DiscardPolicy.New)
            .maxBytes(StreamCatalog.maxBytes(spec, settings.streamMaxBytes()))
            .replicas(settings.streamReplicas())
            .duplicateWindow(DUPLICATE_WINDOW)
            .allowDirect(true);
    switch (spec.kind()) {
      case FACTS ->
          builder.allowAtomicPublish(true).denyDelete(true).maximumMessageSize(MAX_FACT_BYTES);
      case LEDGER ->
          builder.denyDelete(true).denyPurge(true).compressionOption(CompressionOption.S2);
      case DEAD_LETTERS -> builder.denyDelete(true);
      case WORK_QUEUE -> builder.retentionPolicy(RetentionPolicy.WorkQueue);
      // The broker takes no schedules where new messages are refused.
      case TIMERS ->
          builder
              .discardPolicy(DiscardPolicy.Old)
              .allowMessageSchedules(true)
              .allowMessageTtl(true);
    }
    return builder.build();
  }

  private ConsumerConfiguration configuration(ConsumerSpec spec) {
    return ConsumerConfiguration.builder()
        .durable(spec.name())
        .filterSubjects(spec.filters().stream().map(settings.subjects()::subject).toList())
        .deliverPolicy(DeliverPolicy.All)
        .ackPolicy(AckPolicy.Explicit)
        .ackWait(settings.ackWait())
        // Who gives up is our own policy, which parks the message; the broker would leave it
        // unseen. Should somebody set a limit all the same, the bridge parks what it hears of.
        .maxDeliver(-1)
        .maxAckPending(65_536)
        .build();
  }

  private static List<String> differences(StreamConfiguration wanted, StreamConfiguration found) {
    Differences differences = new Differences("stream " + wanted.getName());
    differences.expect("subjects", sorted(wanted.getSubjects()), sorted(found.getSubjects()));
    differences.expect("storage", wanted.getStorageType(), found.getStorageType());
    differences.expect("retention", wanted.getRetentionPolicy(), found.getRetentionPolicy());
    differences.expect("discard", wanted.getDiscardPolicy(), found.getDiscardPolicy());
    differences.expect("max_age", Duration.ZERO, found.getMaxAge());
    differences.expect("duplicate_window", wanted.getDuplicateWindow(), found.getDuplicateWindow());
    differences.expect("max_msgs", -1L, found.getMaxMsgs());
    differences.expect("max_msgs_per_subject", -1L, found.getMaxMsgsPerSubject());
    // A publisher's header could take stored facts away, or let them end by themselves.
    if (wanted.getAllowMsgSchedules()) {
      differences.expect("allow_msg_schedules", true, found.getAllowMsgSchedules());
      differences.expect("allow_msg_ttl", true, found.getAllowMessageTtl());
    } else {
      differences.expect("allow_rollup_hdrs", false, found.getAllowRollup());
      differences.expect("allow_msg_ttl", false, found.getAllowMessageTtl());
    }
    differences.expect("allow_direct", true, found.getAllowDirect());
    differences.expect("sealed", false, found.getSealed());
    differences.expect("no_ack", false, found.getNoAck()); // no answer, no guard
    differences.expect("a mirror or sources", false, hasOrigins(found));
    if (found.getMaximumMessageSize() > 0
        && (wanted.getMaximumMessageSize() <= 0
            || found.getMaximumMessageSize() < wanted.getMaximumMessageSize())) {
      differences.expect(
          "max_msg_size", wanted.getMaximumMessageSize(), found.getMaximumMessageSize());
    }
    differences.expect(
        "allow_atomic", true, found.getAllowAtomicPublish() || !wanted.getAllowAtomicPublish());
    differences.expect("deny_delete", true, found.getDenyDelete() || !wanted.getDenyDelete());
    differences.expect("deny_purge", true, found.getDenyPurge() || !wanted.getDenyPurge());
    differences.expect("max_bytes set", true, found.getMaxBytes() > 0);
    if (found.getReplicas() < wanted.getReplicas()) {
      differences.expect("replicas", wanted.getReplicas(), found.getReplicas());
    }
    return differences.list;
  }

  private static List<String> differences(
      String stream, ConsumerConfiguration wanted, ConsumerConfiguration found) {
    Differences differences =
        new Differences("consumer " + wanted.getDurable() + " of stream " + stream);
    differences.expect(
        "filters", sorted(wanted.getFilterSubjects()), sorted(found.getFilterSubjects()));
    differences.expect("ack_policy", wanted.getAckPolicy(), found.getAckPolicy());
    differences.expect("deliver_policy", wanted.getDeliverPolicy(), found.getDeliverPolicy());
    differences.expect("max_deliver", wanted.getMaxDeliver(), found.getMaxDeliver());
    differences.expect("backoff", List.of(), found.getBackoff());
    differences.expect("headers_only", false, found.isHeadersOnly());
    differences.expect("a pause", false, found.getPauseUntil() != null);
    differences.expect("an inactive_threshold", false, isSet(found.getInactiveThreshold()));
    differences.expect("a max_batch", false, found.getMaxBatch() > 0);
    differences.expect("a max_expires", false, isSet(found.getMaxExpires()));
    differences.expect("a deliver_subject", false, found.getDeliverSubject() != null);
    if (found.getAckWait().compareTo(wanted.getAckWait()) < 0) {
      differences.expect("ack_wait", wanted.getAckWait(), found.getAckWait());
    }
    return differences.list;
  }

  private static boolean hasOrigins(StreamConfiguration found) {
    return found.getMirror() != null
        || (found.getSources() != null && !found.getSources().isEmpty());
  }

  private static boolean isSet(Duration duration) {
    return duration != null && !duration.isZero();
  }

  private static Set<String> sorted(List<String> names) {
    return new HashSet<>(names);
  }

  private static final class Differences {
    private final String what;
    private final List<String> list = new ArrayList<>();

    Differences(String what) {
      this.what = what;
    }

    void expect(String option, Object wanted, Object found) {
      if (!wanted.equals(found)) {
        list.add(what + " has " + option + " " + found + ", needed is " + wanted);
      }
    }
  }
}
