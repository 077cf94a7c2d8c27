package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.Domain;
import io.holdfast.events.Envelope;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.Ids;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.events.Money;
import io.holdfast.launcher.reconcile.Charge;
import io.holdfast.launcher.why.Holder;
import io.holdfast.launcher.why.Reaction;
import io.holdfast.launcher.why.SpanTree;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.DeadLetter;
import io.holdfast.runtime.jetstream.Stored;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One order's whole story, and who holds it now. */
@Command(
    name = "why",
    mixinStandardHelpOptions = true,
    description = "One order's whole story: its events, the times between, and who holds it now.")
final class WhyCommand implements Callable<Integer> {

  private static final List<Domain> DOMAINS =
      List.of(Domain.ORDERS, Domain.INVENTORY, Domain.PAYMENTS, Domain.NOTIFICATIONS);
  private static final int MAX_LOG_LINES = 40;
  private static final EventCodec CODEC = new EventCodec();

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private SystemOptions system;

  @Parameters(paramLabel = "ORDER", description = "The order's id")
  private String orderId;

  @Option(
      names = "--logs",
      paramLabel = "DIR",
      description = "Where the services' log files are. Default: the data folder's logs/")
  private Path logs;

  @Option(
      names = "--zipkin",
      paramLabel = "URL",
      description =
          "Zipkin's address, for the order's spans. Default: where $OTEL_EXPORTER_ZIPKIN_ENDPOINT is")
  private String zipkin;

  @Option(names = "--json", description = "For a program")
  private boolean json;

  @Override
  public Integer call() throws Exception {
    if (!Ids.valid(orderId)) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "ORDER is letters, digits, - and _, as in ord_4711");
    }
    try (StreamAccess streams = system.open()) {
      return tell(streams);
    }
  }

  private int tell(StreamAccess streams) throws IOException {
    List<Stored> events = new ArrayList<>();
    DOMAINS.forEach(
        d -> events.addAll(StreamAccess.get(streams.events().load(d, orderId)).events()));
    List<DeadLetter> deadLetters = deadLetters(streams);
    if (events.isEmpty() && deadLetters.isEmpty()) {
      return Terminal.refused(spec, "Nothing is stored about an order " + orderId + ".");
    }
    events.sort(Comparator.comparing(Stored::storedAt).thenComparing(s -> s.envelope().type()));
    Map<EventType, Stored> facts = new EnumMap<>(EventType.class);
    events.forEach(event -> facts.put(event.envelope().type(), event));
    List<Waiting> waiting = waiting(streams, facts, deadLetters);
    List<Charge> charges = charges();
    String traceId = events.isEmpty() ? null : events.getFirst().envelope().traceId();
    List<String> lines = logLines(traceId);
    List<SpanTree.Branch> spans = spans(traceId);
    if (json) {
      say(json(events, deadLetters, waiting, charges, lines, spans).encodePrettily());
      return 0;
    }
    header(facts, events);
    story(events, deadLetters);
    say("");
    waiting.forEach(wait -> say("  " + inWords(wait)));
    List<DeadLetter> parked = deadLetters.stream().filter(DeadLetter::open).toList();
    if (waiting.isEmpty() && !parked.isEmpty()) {
      say(
          "  Every fact is there, but a message about it was given up, and nobody has dealt with it:");
      parked.forEach(letter -> say("  ./holdfast dlq show %d", letter.sequence()));
    } else if (waiting.isEmpty()) {
      say(facts.isEmpty() ? "" : "  Nothing is left to do.");
    }
    charges.forEach(
        charge ->
            say("  The gateway has %s: %s, %s", charge.id(), charge.money(), charge.status()));
    if (!spans.isEmpty()) {
      say("");
      spans.forEach(
          span ->
              say(
                  "  %+9.1f ms  %-14s%s%s, %.1f ms%s",
                  span.startMicros() / 1_000.0,
                  span.service(),
                  "  ".repeat(span.depth()),
                  span.name(),
                  span.micros() / 1_000.0,
                  span.error() == null ? "" : "  " + Terminal.bad(span.error())));
    }
    if (!lines.isEmpty()) {
      say("");
      lines.forEach(line -> say("  " + Terminal.faint(readable(line))));
    }
    return 0;
  }

  /**
   * The last one of each message. A dead letter's subject quotes another one, so two more tokens
   * come before the id, and four if it quotes a timer's.
   */
  private List<DeadLetter> deadLetters(StreamAccess streams) {
    List<DeadLetter> all = new ArrayList<>();
    for (String before : List.of("*.*.", "*.*.*.*.")) {
      StreamAccess.get(streams.events().load(Domain.DEADLETTERS, before + orderId))
          .events()
          .forEach(
              stored ->
                  StreamAccess.get(streams.deadLetters().find(stored.sequence()))
                      .letter()
                      .ifPresent(all::add));
    }
    return all;
  }

  /**
   * A reaction that is still to come.
   *
   * @param letter if its message was given up
   * @param service what its service says about its readiness; empty if that is not known
   */
  private record Waiting(
      Reaction reaction,
      long sequence,
      Holder holder,
      ConsumerState consumer,
      Optional<DeadLetter> letter,
      String service) {}

  private List<Waiting> waiting(
      StreamAccess streams, Map<EventType, Stored> facts, List<DeadLetter> deadLetters) {
    List<Waiting> all = new ArrayList<>();
    for (Reaction reaction : Reaction.open(facts.keySet())) {
      ConsumerSpec consumer = StreamCatalog.consumer(reaction.consumer());
      long sequence = facts.get(reaction.cause()).sequence();
      Optional<DeadLetter> letter =
          deadLetters.stream()
              .filter(l -> l.message().consumer().equals(consumer.name()))
              .filter(l -> l.message().sequence() == sequence)
              .max(Comparator.comparing(DeadLetter::sequence));
      ConsumerState state = state(streams, letter.isEmpty() ? consumer : consumer.redriven());
      all.add(
          new Waiting(
              reaction,
              sequence,
              letter.map(l -> Holder.of(l, state)).orElseGet(() -> Holder.of(sequence, state)),
              state,
              letter,
              readiness(consumer.group())));
    }
    return all;
  }

  private static ConsumerState state(StreamAccess streams, ConsumerSpec consumer) {
    try {
      return StreamAccess.get(
          streams.reader().consumer(streams.subjects().stream(consumer.stream()), consumer.name()));
    } catch (BrokerException notThere) {
      return new ConsumerState(0, 0, 0, 0, 0);
    }
  }

  /** Why the service does not work, if it does not and can be asked. */
  private String readiness(String group) {
    Optional<String> url = system.system().map(running -> running.url(group));
    if (url.isEmpty()) {
      return "";
    }
    try {
      Api.Answer answer = Api.get(url.get() + "/ready");
      return answer.status() == 200 ? "" : group + " is not ready: " + answer.body();
    } catch (Api.Unreachable gone) {
      return group + " does not answer";
    }
  }

  private List<Charge> charges() {
    Optional<String> gateway = system.gatewayUrl();
    if (gateway.isEmpty() || gateway.get().equals(SystemOptions.NO_GATEWAY)) {
      return List.of();
    }
    try {
      Api.Answer ledger = Api.get(gateway.get() + "/simulator/ledger");
      return ledger.status() != 200
          ? List.of()
          : ledger.json().getJsonArray("charges").stream()
              .map(charge -> Charge.of((JsonObject) charge))
              .filter(charge -> charge.orderId().equals(orderId))
              .toList();
    } catch (Api.Unreachable none) {
      return List.of();
    }
  }

  /** The order's trace, if somebody who has it can be asked. */
  private List<SpanTree.Branch> spans(String traceId) {
    Optional<String> url = zipkinUrl();
    if (traceId == null || url.isEmpty()) {
      return List.of();
    }
    try {
      Api.Answer answer = Api.get(url.get() + "/api/v2/trace/" + traceId);
      if (answer.status() == 200) {
        return SpanTree.of(new JsonArray(answer.body()));
      }
      noSpans("%s answers %d for trace %s".formatted(url.get(), answer.status(), traceId));
    } catch (Api.Unreachable none) {
      noSpans(none.getMessage());
    } catch (DecodeException notZipkin) {
      noSpans(url.get() + " does not answer as a Zipkin does");
    }
    return List.of();
  }

  /** Who asked for them shall not take it that there are none. */
  private void noSpans(String reason) {
    if (zipkin != null) {
      spec.commandLine().getErr().println("No spans: " + reason);
    }
  }

  private Optional<String> zipkinUrl() {
    if (zipkin != null) {
      return Optional.of(zipkin.replaceAll("/+$", ""));
    }
    return Optional.ofNullable(System.getenv("OTEL_EXPORTER_ZIPKIN_ENDPOINT"))
        .map(endpoint -> endpoint.replaceFirst("/api/v2/spans/?$", ""));
  }

  /** The log lines about the order, as far as they can be read from here, oldest first. */
  private List<String> logLines(String traceId) throws IOException {
    Optional<Path> folder =
        Optional.ofNullable(logs)
            .or(() -> system.known().map(data -> data.resolve("logs")))
            .filter(Files::isDirectory);
    if (folder.isEmpty()) {
      return List.of();
    }
    Predicate<String> about =
        line -> line.contains(orderId) || (traceId != null && line.contains(traceId));
    List<String> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder.get())) {
      for (Path file : files.filter(f -> f.toString().endsWith(".log")).toList()) {
        try (Stream<String> lines = Files.lines(file, StandardCharsets.UTF_8)) {
          lines.filter(about).limit(MAX_LOG_LINES).forEach(found::add);
        }
      }
    }
    found.sort(Comparator.comparing(line -> field(line, "time")));
    return found.stream().limit(MAX_LOG_LINES).toList();
  }

  private void header(Map<EventType, Stored> facts, List<Stored> events) {
    String status =
        facts.containsKey(EventType.ORDER_CONFIRMED)
            ? Terminal.good("confirmed")
            : facts.containsKey(EventType.ORDER_CANCELLED)
                ? Terminal.bad("cancelled")
                : facts.containsKey(EventType.ORDER_CREATED) ? "pending" : "never created";
    Set<String> traces =
        events.stream().map(event -> event.envelope().traceId()).collect(Collectors.toSet());
    say("Order %s is %s, trace %s", Terminal.bold(orderId), status, String.join(" AND ", traces));
    say("");
  }

  private static void story(List<Stored> events, List<DeadLetter> deadLetters) {
    Instant before = null;
    for (Stored event : events) {
      Duration since = before == null ? Duration.ZERO : Duration.between(before, event.storedAt());
      before = event.storedAt();
      say(
          "  %s  %10s  %-18s %-22s %s",
          event.storedAt(),
          "+" + inWords(since),
          event.envelope().type().typeName(),
          Terminal.faint(event.stream() + " #" + event.sequence()),
          detail(event.envelope()));
    }
    for (DeadLetter letter : deadLetters) {
      MessageDeadLettered fact = letter.message();
      say(
          "  %s  %10s  %-18s %-22s %s",
          letter.parkedAt(),
          "",
          Terminal.bad("parked"),
          Terminal.faint("DEADLETTERS #" + letter.sequence()),
          "%s gave up %s #%d after %d attempts (%s): %s"
              .formatted(
                  fact.consumer(),
                  fact.stream(),
                  fact.sequence(),
                  fact.attempts(),
                  fact.reason(),
                  firstLine(fact.error())));
      letter
          .resolved()
          .ifPresent(
              resolved ->
                  say(
                      "  %s  %10s  %-18s %-22s %s",
                      resolved.at(),
                      "",
                      resolved.fact().resolution().wireName(),
                      Terminal.faint("DEADLETTERS #" + letter.sequence()),
                      by(resolved.fact())));
    }
  }

  private static String by(DeadLetterResolved fact) {
    return (fact.operator() == null ? "" : "by " + fact.operator())
        + (fact.reason() == null ? "" : ": " + firstLine(fact.reason()));
  }

  private static String firstLine(String text) {
    return text == null ? "" : text.lines().findFirst().orElse("");
  }

  private static String inWords(Duration time) {
    return time.toMillis() < 10_000
        ? time.toMillis() + " ms"
        : time.toMinutes() < 10 ? time.toSeconds() + " s" : time.toMinutes() + " min";
  }

  /** What a person would ask about this fact. */
  private static String detail(Envelope<?> envelope) {
    JsonObject data =
        new JsonObject(new String(CODEC.encode(envelope), StandardCharsets.UTF_8))
            .getJsonObject("data");
    List<String> parts = new ArrayList<>();
    if (data.getValue("amount") instanceof Number amount) { // 25.00 is 25.0 in there
      parts.add(Money.of(new BigDecimal(amount.toString()), data.getString("currency")).toString());
    }
    for (String field : List.of("reason", "detail", "code", "payment_id", "refund_id")) {
      if (data.getValue(field) != null) {
        parts.add(data.getValue(field).toString());
      }
    }
    if (data.getValue("channel") != null) {
      parts.add(data.getString("template") + " by " + data.getString("channel"));
    }
    return String.join(" ", parts);
  }

  private static String inWords(Waiting wait) {
    String what = wait.reaction().cause().typeName() + " #" + wait.sequence();
    String who = wait.reaction().consumer();
    String where =
        switch (wait.holder()) {
          case WAITS_FOR_DELIVERY ->
              "%s waits to be delivered to %s, where %,d messages wait"
                  .formatted(what, Terminal.bold(who), wait.consumer().pending());
          case IN_HAND ->
              "%s is in the hands of %s, with %,d not settled, %,d of them tried before"
                  .formatted(
                      what,
                      Terminal.bold(who),
                      wait.consumer().unacknowledged(),
                      wait.consumer().redelivered());
          case PARKED ->
              "%s was given up by %s and waits for an operator: ./holdfast dlq show %d"
                  .formatted(what, Terminal.bold(who), wait.letter().orElseThrow().sequence());
          case REDRIVEN ->
              "%s was redriven and is on its way back to %s, where %,d wait and %,d are not settled"
                  .formatted(
                      what,
                      Terminal.bold(who),
                      wait.consumer().pending(),
                      wait.consumer().unacknowledged());
          case REDRIVEN_WITHOUT_EFFECT ->
              Terminal.bad(
                  "%s was redriven, and neither waits for %s nor has an effect: ./holdfast dlq redrive %d sends it again"
                      .formatted(what, who, wait.letter().orElseThrow().sequence()));
          case DISCARDED ->
              "%s was given up by %s and discarded %s"
                  .formatted(
                      what,
                      Terminal.bold(who),
                      by(wait.letter().orElseThrow().resolved().orElseThrow().fact()));
          case SETTLED_WITHOUT_EFFECT ->
              Terminal.bad(
                  "%s was settled by %s and nothing is stored: run ./holdfast reconcile"
                      .formatted(what, who));
        };
    return where + (wait.service().isEmpty() ? "" : ". " + wait.service());
  }

  private JsonObject json(
      List<Stored> events,
      List<DeadLetter> deadLetters,
      List<Waiting> waiting,
      List<Charge> charges,
      List<String> lines,
      List<SpanTree.Branch> spans) {
    JsonArray list = new JsonArray();
    events.forEach(
        event ->
            list.add(
                new JsonObject()
                    .put("stream", event.stream())
                    .put("sequence", event.sequence())
                    .put("subject", event.subject())
                    .put("stored_at", event.storedAt().toString())
                    .put(
                        "event",
                        new JsonObject(
                            new String(CODEC.encode(event.envelope()), StandardCharsets.UTF_8)))));
    JsonArray letters = new JsonArray();
    deadLetters.forEach(letter -> letters.add(DlqCommand.json(letter, false)));
    JsonArray holders = new JsonArray();
    waiting.forEach(
        wait ->
            holders.add(
                new JsonObject()
                    .put("cause", wait.reaction().cause().typeName())
                    .put("sequence", wait.sequence())
                    .put("consumer", wait.reaction().consumer())
                    .put("holder", wait.holder().name().toLowerCase(java.util.Locale.ROOT))));
    JsonArray taken = new JsonArray();
    charges.forEach(
        charge ->
            taken.add(
                new JsonObject()
                    .put("id", charge.id())
                    .put("amount", charge.minorUnits())
                    .put("currency", charge.currency())
                    .put("status", charge.status())));
    JsonArray trace = new JsonArray();
    spans.forEach(
        span ->
            trace.add(
                new JsonObject()
                    .put("depth", span.depth())
                    .put("service", span.service())
                    .put("name", span.name())
                    .put("start_us", span.startMicros())
                    .put("duration_us", span.micros())
                    .put("error", span.error())));
    return new JsonObject()
        .put("order_id", orderId)
        .put("events", list)
        .put("dead_letters", letters)
        .put("waiting", holders)
        .put("charges", taken)
        .put("spans", trace)
        .put("log", new JsonArray(lines));
  }

  /** A log line as a person reads it; as it is if it is none of ours. */
  private static String readable(String line) {
    try {
      JsonObject fields = new JsonObject(line);
      String head =
          "%s %-5s %-13s %s"
              .formatted(
                  fields.getString("time"),
                  fields.getString("level"),
                  fields.getString("service"),
                  fields.getString("msg"));
      Set<String> told = Set.of("time", "level", "service", "msg", "order_id", "trace_id");
      String rest =
          fields.stream()
              .filter(field -> !told.contains(field.getKey()))
              .map(field -> field.getKey() + "=" + field.getValue())
              .collect(Collectors.joining(" "));
      return rest.isEmpty() ? head : head + "  " + rest;
    } catch (DecodeException | ClassCastException notOurs) {
      return line;
    }
  }

  private static String field(String line, String name) {
    try {
      return new JsonObject(line).getString(name, "");
    } catch (DecodeException | ClassCastException notOurs) {
      return "";
    }
  }
}
