package io.holdfast.runtime.jetstream;

import io.holdfast.events.Subjects;
import io.holdfast.runtime.jetstream.BrokerException.Kind;
import io.holdfast.runtime.jetstream.StreamCatalog.StreamSpec;
import io.nats.client.impl.Headers;
import io.vertx.core.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tries what promises rest on nobody being able to do, in ways that change nothing even where it is
 * possible: by names that nothing has, and with a header that keeps a fact from being stored.
 */
final class RightsProbe {

  private static final Duration ANSWER = Duration.ofSeconds(2);
  private static final String NOBODY = "none-of-ours";
  private static final byte[] NOTHING = "nothing".getBytes(StandardCharsets.UTF_8);

  private final Broker broker;
  private final Subjects subjects;

  RightsProbe(Broker broker, Subjects subjects) {
    this.broker = broker;
    this.subjects = subjects;
  }

  /** What this process's user may do beyond these rights: {@code delete streams}. */
  Future<List<String>> beyond(Rights rights) {
    List<Future<Boolean>> tried = new ArrayList<>();
    List<String> acts = new ArrayList<>();
    acts()
        .forEach(
            (subject, act) -> {
              if (!rights.allow(subject)) {
                acts.add(act);
                tried.add(may(subject));
              }
            });
    return Future.all(tried)
        .map(
            all -> {
              List<String> beyond = new ArrayList<>();
              for (int i = 0; i < acts.size(); i++) {
                if (tried.get(i).result()) {
                  beyond.add(acts.get(i));
                }
              }
              return beyond;
            });
  }

  private Map<String, String> acts() {
    Map<String, String> acts = new LinkedHashMap<>();
    String stream = subjects.stream(NOBODY);
    acts.put("$JS.API.STREAM.DELETE." + stream, "delete streams");
    acts.put("$JS.API.STREAM.PURGE." + stream, "purge streams");
    acts.put("$JS.API.STREAM.UPDATE." + stream, "change streams");
    acts.put("$JS.API.STREAM.CREATE." + stream, "create streams");
    for (StreamSpec spec : StreamCatalog.STREAMS) {
      acts.put(
          "$JS.API.CONSUMER.DELETE." + subjects.stream(spec.name()) + "." + NOBODY,
          "delete consumers of " + spec.name());
      if (!spec.owner().isEmpty()) {
        acts.put(
            subjects.subject(spec.subjects().getFirst().replace("*", NOBODY)),
            "write to " + spec.name());
      }
    }
    return acts;
  }

  /** The broker leaves a request without an answer that it refuses; to every other it has one. */
  private Future<Boolean> may(String subject) {
    Headers unstorable = new Headers().put("Nats-Expected-Stream", NOBODY);
    return broker
        .request(subject, unstorable, NOTHING, ANSWER)
        .map(true)
        .recover(
            failure ->
                failure instanceof BrokerException refused && refused.kind() == Kind.NO_ANSWER
                    ? Future.succeededFuture(false)
                    : failure instanceof BrokerException told && told.kind() != Kind.DISCONNECTED
                        ? Future.succeededFuture(true)
                        : Future.failedFuture(failure));
  }
}
