package io.holdfast.system.histories;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventType;
import io.holdfast.runtime.jetstream.AppendResult;
import io.holdfast.runtime.jetstream.AppendResult.Conflict;
import io.holdfast.runtime.jetstream.Delivery;
import io.holdfast.runtime.jetstream.EventStreams;
import io.holdfast.runtime.jetstream.History;
import io.holdfast.runtime.jetstream.Outcome;
import io.holdfast.runtime.jetstream.Outcome.Retry;
import io.holdfast.runtime.jetstream.Reactions;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.system.histories.Step.Cancel;
import io.holdfast.system.histories.Step.Gateway;
import io.holdfast.system.histories.Step.Place;
import io.holdfast.system.histories.Step.Receive;
import io.holdfast.system.histories.Step.Rest;
import io.holdfast.system.histories.World.Making;
import io.holdfast.testkit.ForwardingStreams;
import io.vertx.core.Future;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: a trial on a real broker finds a break in each of the habits that promises rest on. Method:
 * the services, broken in one place, live through a short history that is made for it; the same
 * history must find nothing wrong with the sound ones.
 */
class RealMutantsTest {

  private static final Duration LONG_ENOUGH = Duration.ofSeconds(30);
  private static final Duration FOR_WHAT_NEVER_COMES = Duration.ofSeconds(3);

  /** Of customers who change their minds while they are charged. */
  private static final List<Step> RACES =
      history(new Gateway(0, 0, 0, 250, false), orders(6), new Rest(60), cancels(6), new Rest(400));

  /** Of a gateway that takes the money and drops the answer. */
  private static final List<Step> LOST_ANSWERS =
      history(new Gateway(0, 100, 0, 0, false), orders(2), new Rest(600));

  /** Of a gateway that fails for a moment. */
  private static final List<Step> A_BAD_MOMENT =
      history(new Gateway(100, 0, 0, 0, false), orders(1), new Rest(300));

  private static final List<Step> ONE_ORDER = history(orders(1));

  private static final List<Step> A_CHANGE_OF_MIND = history(orders(1), cancels(1));

  @TempDir Path folder;

  static Stream<Arguments> mutants() {
    return Stream.of(
        arguments("guard removed", new GuardRemoved(), RACES, "I8 .* exclude each other"),
        arguments("key per attempt", new KeyPerAttempt(), LOST_ANSWERS, "I3 .* charges that are"),
        arguments("ack before effect", new AckBeforeEffect(), A_BAD_MOMENT, "I2 .* no final state"),
        arguments(
            "direct get in a decision",
            new StaleReadBelieved(),
            A_CHANGE_OF_MIND,
            "a cancel was answered with 404"),
        arguments("bare nak", new BareNak(), ONE_ORDER, "1 messages were parked"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mutants")
  void every_mutant_is_found(String name, Making mutant, List<Step> history, String caughtBy) {
    List<String> wrong = run(history, mutant, FOR_WHAT_NEVER_COMES);

    assertThat(wrong).as(name).anySatisfy(line -> assertThat(line).containsPattern(caughtBy));
  }

  static Stream<Arguments> sound() {
    return Stream.of(
        arguments("races", new Making(), RACES),
        arguments("lost answers", new Making(), LOST_ANSWERS),
        arguments("a bad moment of the gateway", new Making(), A_BAD_MOMENT),
        arguments("a change of mind", new Making(), A_CHANGE_OF_MIND),
        arguments("a bad moment of a service", new BadMoment(), ONE_ORDER));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("sound")
  void nothing_is_found_where_nothing_is_broken(String name, Making making, List<Step> history) {
    assertThat(run(history, making, LONG_ENOUGH)).as(name).isEmpty();
  }

  private List<String> run(List<Step> history, Making making, Duration quiet) {
    try (World world = new World(folder, making, 1, quiet)) {
      for (int at = 0; at < history.size(); at++) {
        world.take(history.get(at), at);
      }
      return world.settleAndCheck();
    } finally {
      if (making instanceof KeyPerAttempt changer) {
        changer.close();
      }
    }
  }

  private static List<Step> history(Object... steps) {
    List<Step> history = new ArrayList<>();
    history.add(new Receive(0, "plenty", 1_000));
    for (Object step : steps) {
      if (step instanceof List<?> several) {
        several.forEach(one -> history.add((Step) one));
      } else {
        history.add((Step) step);
      }
    }
    return history;
  }

  private static List<Step> orders(int count) {
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      steps.add(new Place(i, "plenty", 1, "pm_card_visa"));
    }
    return steps;
  }

  private static List<Step> cancels(int count) {
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      steps.add(new Cancel(i));
    }
    return steps;
  }

  /** Whatever an aggregate has gained meanwhile, the fact is put behind it. */
  private static final class GuardRemoved extends Making {
    @Override
    EventStreams streams(EventStreams streams) {
      return new ForwardingStreams(streams) {
        @Override
        public Future<AppendResult> append(Envelope<?> fact, long expectedSequence) {
          return super.append(fact, expectedSequence)
              .compose(
                  result ->
                      result instanceof Conflict conflict
                          ? append(fact, conflict.history().lastSequence())
                          : Future.succeededFuture(result));
        }
      };
    }
  }

  private static final class KeyPerAttempt extends Making {
    private KeyChanger changer;

    @Override
    String gatewayUrl(String url) {
      if (changer == null) {
        changer = new KeyChanger(url);
      }
      return changer.url();
    }

    void close() {
      if (changer != null) {
        changer.close();
      }
    }
  }

  /** Handlers whose calls go through the mutant's hands. */
  private abstract static class OtherHandlers extends Making {
    abstract Future<Outcome> handled(String consumer, Supplier<Future<Outcome>> soundly);

    @Override
    EventStreams streams(EventStreams streams) {
      return new ForwardingStreams(streams) {
        @Override
        public Future<Void> consume(String consumer, Reactions reactions) {
          Function<Delivery<?>, Future<Outcome>> handler =
              delivery ->
                  handled(
                      consumer,
                      () ->
                          reactions
                              .handle(
                                  delivery.envelope(),
                                  delivery.sequence(),
                                  delivery.storedAt(),
                                  delivery.deliveries())
                              .orElseThrow());
          Reactions others = null;
          for (EventType type : StreamCatalog.consumer(consumer).types()) {
            others =
                others == null
                    ? Reactions.on(type.eventClass(), handler::apply)
                    : others.and(type.eventClass(), handler::apply);
          }
          return super.consume(consumer, others);
        }
      };
    }
  }

  private static final class AckBeforeEffect extends OtherHandlers {
    @Override
    Future<Outcome> handled(String consumer, Supplier<Future<Outcome>> soundly) {
      Future<Outcome> nobodyWaitsForIt = soundly.get();
      nobodyWaitsForIt.onFailure(nobodyKnows -> {});
      return Future.succeededFuture(Outcome.DONE);
    }
  }

  /** Whatever payments tries fails for a moment; as no breaker sees it, each try is an attempt. */
  private static class BadMoment extends OtherHandlers {
    private static final Duration MOMENT = Duration.ofMillis(300);

    private final AtomicLong over = new AtomicLong();

    @Override
    Map<String, String> settings() {
      // Six failures are the end of a message, so they had better be far apart.
      return Map.of("RETRY_MAX_ATTEMPTS", "6", "RETRY_BASE_MS", "1000", "RETRY_CAP_MS", "2000");
    }

    @Override
    Future<Outcome> handled(String consumer, Supplier<Future<Outcome>> soundly) {
      if (!consumer.equals("payments-charge")) {
        return soundly.get();
      }
      long now = System.nanoTime();
      over.compareAndSet(0, now + MOMENT.toNanos());
      return now < over.get()
          ? Future.succeededFuture(new Retry(new IllegalStateException("a bad moment")))
          : soundly.get();
    }
  }

  /** The broker is told to deliver again, and not when. */
  private static final class BareNak extends BadMoment {
    @Override
    Future<Outcome> handled(String consumer, Supplier<Future<Outcome>> soundly) {
      return super.handled(consumer, soundly)
          .map(
              judged ->
                  judged instanceof Retry retry ? new Retry(retry.cause(), Duration.ZERO) : judged);
    }
  }

  /** What a replica says that is behind by everything; its second answer is the right one. */
  private static final class StaleReadBelieved extends Making {
    @Override
    EventStreams streams(EventStreams streams) {
      Set<String> asked = ConcurrentHashMap.newKeySet();
      return new ForwardingStreams(streams) {
        @Override
        public Future<History> load(Domain domain, String aggregateId) {
          return asked.add(domain + aggregateId)
              ? Future.succeededFuture(History.EMPTY)
              : super.load(domain, aggregateId);
        }
      };
    }
  }
}
