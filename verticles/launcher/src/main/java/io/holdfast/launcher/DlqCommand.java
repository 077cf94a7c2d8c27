package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.EventJson;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.runtime.jetstream.DeadLetter;
import io.holdfast.runtime.jetstream.DeadLetterDesk;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Filter;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Found;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Page;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Result;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Result.Done;
import io.holdfast.runtime.jetstream.DeadLetterDesk.Result.Refused;
import io.vertx.core.Future;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The dead letters, from a terminal. */
@Command(
    name = "dlq",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    description = "The dead letters: messages that a consumer gave up.",
    subcommands = {
      DlqCommand.Ls.class,
      DlqCommand.Show.class,
      DlqCommand.Redrive.class,
      DlqCommand.Discard.class
    })
final class DlqCommand implements Runnable {

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "Say what to do with them, for example: ./holdfast dlq ls");
  }

  /** Which dead letters are meant. */
  private static final class Filters {

    private static final Pattern DURATION = Pattern.compile("([1-9][0-9]{0,8})([smhd])");

    @Option(
        names = "--service",
        paramLabel = "S",
        description = "Given up by a consumer of this service, for example payments")
    private String service;

    @Option(
        names = "--consumer",
        paramLabel = "C",
        description = "Given up by this consumer, for example payments-charge")
    private String consumer;

    @Option(names = "--order", paramLabel = "ID", description = "About this order")
    private String order;

    @Option(
        names = "--since",
        paramLabel = "DURATION",
        description = "Parked within this time: 90s, 30m, 12h, 7d")
    private String since;

    boolean any() {
      return service != null || consumer != null || order != null || since != null;
    }

    Filter filter(CommandLine.Model.CommandSpec spec, boolean resolvedToo, String reason) {
      Instant from = null;
      if (since != null) {
        Matcher given = DURATION.matcher(since);
        if (!given.matches()) {
          throw new CommandLine.ParameterException(
              spec.commandLine(), "--since is a number and s, m, h or d, as in 30m");
        }
        TimeUnit unit =
            switch (given.group(2)) {
              case "s" -> TimeUnit.SECONDS;
              case "m" -> TimeUnit.MINUTES;
              case "h" -> TimeUnit.HOURS;
              default -> TimeUnit.DAYS;
            };
        from =
            Instant.now().minus(Duration.of(Long.parseLong(given.group(1)), unit.toChronoUnit()));
      }
      return new Filter(service, consumer, reason, order, from, resolvedToo);
    }
  }

  /** Goes through them page by page, so that their number does not matter. */
  private static void each(DeadLetterDesk desk, Filter filter, Predicate<DeadLetter> goOn) {
    for (long next = 1; next > 0; ) {
      Page page = StreamAccess.get(desk.page(next));
      for (DeadLetter letter : page.letters()) {
        if (filter.matches(letter) && !goOn.test(letter)) {
          return;
        }
      }
      next = page.next();
    }
  }

  private static void positive(CommandLine.Model.CommandSpec spec, List<Long> sequences) {
    if (sequences.stream().anyMatch(sequence -> sequence < 1)) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "LETTER is a number from 1, as ./holdfast dlq ls gives it");
    }
  }

  /** An error's first line, without the package of its class. */
  private static String brief(String error) {
    return firstLine(error).replaceFirst("^([a-z0-9_]+\\.)+(?=[A-Z])", "");
  }

  private static String firstLine(String text) {
    return text == null ? "" : text.lines().findFirst().orElse("");
  }

  /** What became of it. */
  private static String inWords(DeadLetter letter) {
    return letter
        .resolved()
        .map(
            resolved -> {
              DeadLetterResolved fact = resolved.fact();
              return "%s %s%s%s"
                  .formatted(
                      fact.resolution().wireName(),
                      resolved.at().truncatedTo(ChronoUnit.SECONDS),
                      fact.operator() == null ? "" : " by " + fact.operator(),
                      fact.reason() == null ? "" : ": " + firstLine(fact.reason()));
            })
        .orElse("waits for an operator");
  }

  static JsonObject json(DeadLetter letter, boolean whole) {
    MessageDeadLettered message = letter.message();
    JsonObject json =
        new JsonObject()
            .put("dead_letter", letter.sequence())
            .put("parked_at", letter.parkedAt().toString())
            .put("service", letter.service())
            .put("consumer", message.consumer())
            .put("reason", message.reason())
            .put("error", message.error())
            .put("attempts", message.attempts())
            .put("first_failed_at", inText(message.firstFailedAt()))
            .put("last_failed_at", inText(message.lastFailedAt()))
            .put("aggregate_id", message.aggregateId())
            .put("stream", message.stream())
            .put("sequence", message.sequence())
            .put("subject", message.subject())
            .put("trace_id", letter.traceId());
    letter.redriveOf().ifPresent(of -> json.put("redrive_of", of));
    letter
        .resolved()
        .ifPresent(
            resolved ->
                json.put("resolution", resolved.fact().resolution().wireName())
                    .put("resolved_at", resolved.at().toString())
                    .put("resolved_by", resolved.fact().operator())
                    .put("resolved_for", resolved.fact().reason()));
    if (whole) {
      JsonObject headers = new JsonObject();
      message.headers().forEach((name, values) -> headers.put(name, new JsonArray(values)));
      json.put("headers", headers)
          .put("payload", message.payload())
          .put("payload_base64", message.payloadBase64())
          .put("shortened_from", message.shortenedFrom());
    }
    json.getMap().values().removeIf(Objects::isNull);
    return json;
  }

  private static String inText(Instant time) {
    return time == null ? null : time.toString();
  }

  /** Lists them. */
  @Command(
      name = "ls",
      mixinStandardHelpOptions = true,
      description = "Lists the dead letters that nobody has dealt with, the oldest first.")
  static final class Ls implements Callable<Integer> {

    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
    @Mixin private SystemOptions system;
    @Mixin private Filters filters;

    @Option(
        names = "--reason",
        paramLabel = "R",
        description = "Given up for this reason, for example attempts_exhausted")
    private String reason;

    @Option(names = "--all", description = "Also those that were redriven or discarded")
    private boolean all;

    @Option(names = "--limit", paramLabel = "N", description = "List so many at most. Default: 100")
    private int limit = 100;

    @Option(
        names = "--json",
        description = "For a program: one JSON object a line, without payload")
    private boolean json;

    private int listed;
    private boolean more;

    @Override
    public Integer call() throws Exception {
      if (limit < 1) {
        throw new CommandLine.ParameterException(spec.commandLine(), "--limit must be 1 or more");
      }
      Filter filter = filters.filter(spec, all, reason);
      try (StreamAccess streams = system.open()) {
        each(
            streams.deadLetters(),
            filter,
            letter -> {
              if (listed == limit) {
                more = true;
                return false;
              }
              listed++;
              tell(letter);
              return true;
            });
      }
      if (!json) {
        say(
            more
                ? "There are more; --limit N lists more of them, and filters fewer"
                : listed == 0 ? "There is none" : listed == 1 ? "1 dead letter" : "%d dead letters",
            listed);
      }
      return 0;
    }

    private void tell(DeadLetter letter) {
      if (json) {
        say("%s", DlqCommand.json(letter, false).encode());
        return;
      }
      if (listed == 1) {
        say(
            Terminal.faint("%8s  %-24s  %-20s  %-20s  %-36s  %s"),
            "LETTER",
            "PARKED",
            "CONSUMER",
            "REASON",
            "SUBJECT",
            "ERROR");
      }
      say(
          "%8d  %-24s  %-20s  %-20s  %-36s  %s",
          letter.sequence(),
          letter.parkedAt().truncatedTo(ChronoUnit.MILLIS),
          letter.message().consumer(),
          letter.message().reason(),
          letter.message().subject(),
          letter.open() ? brief(letter.message().error()) : inWords(letter));
    }
  }

  /** Shows one. */
  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "One dead letter: its message, why it was given up, and what became of it.")
  static final class Show implements Callable<Integer> {

    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
    @Mixin private SystemOptions system;

    @Parameters(paramLabel = "LETTER", description = "Its number, as ls gives it")
    private long sequence;

    @Option(names = "--json", description = "For a program")
    private boolean json;

    @Override
    public Integer call() throws Exception {
      positive(spec, List.of(sequence));
      Found found;
      try (StreamAccess streams = system.open()) {
        found = StreamAccess.get(streams.deadLetters().find(sequence));
      }
      if (found.letter().isEmpty()) {
        return Terminal.refused(spec, found.problem());
      }
      DeadLetter letter = found.letter().get();
      if (json) {
        say("%s", json(letter, true).encodePrettily());
      } else {
        tell(letter);
      }
      return 0;
    }

    private static void tell(DeadLetter letter) {
      MessageDeadLettered message = letter.message();
      say("Dead letter %s: %s", Terminal.bold(Long.toString(letter.sequence())), inWords(letter));
      say("");
      say("  given up by   %s, %s", message.consumer(), letter.parkedAt());
      say(
          "  reason        %s after %d %s",
          message.reason(), message.attempts(), message.attempts() == 1 ? "attempt" : "attempts");
      if (message.firstFailedAt() != null) {
        say("  failed        first %s, last %s", message.firstFailedAt(), message.lastFailedAt());
      }
      say("  message       %s #%d, %s", message.stream(), message.sequence(), message.subject());
      say("  trace         %s", letter.traceId());
      letter
          .redriveOf()
          .ifPresent(of -> say("  before        it was dead letter %d, and redriven", of));
      message
          .headers()
          .forEach(
              (name, values) -> say("  header        %s: %s", name, String.join(", ", values)));
      if (message.error() != null) {
        say("");
        message.error().lines().forEach(line -> say("  %s", line));
      }
      say("");
      if (message.shortenedFrom() != null) {
        say("  shortened, all %,d bytes stand in the stream", message.shortenedFrom());
      }
      if (message.payload() != null) {
        say("%s", readable(message.payload()));
      } else {
        say(
            "  %,d bytes, Base64: %s",
            letter.payload().length, String.valueOf(message.payloadBase64()));
      }
    }

    private static String readable(String payload) {
      try {
        ObjectMapper mapper = EventJson.mapper();
        JsonNode asItIs = // or 25.00 would be shown as 25
            mapper
                .reader()
                .without(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
                .readTree(payload);
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(asItIs);
      } catch (IOException | NumberFormatException noJsonAfterAll) {
        return payload;
      }
    }
  }

  /** What redrive and discard have in common: some by number, or all that filters leave. */
  private abstract static class Bulk implements Callable<Integer> {

    private static final Pattern RATE = Pattern.compile("([1-9][0-9]{0,5})(/s)?");

    @CommandLine.Spec CommandLine.Model.CommandSpec spec;
    @Mixin private SystemOptions system;
    @Mixin private Filters filters;

    @Parameters(
        arity = "0..*",
        paramLabel = "LETTER",
        description = "Their numbers, as ls gives them")
    private List<Long> sequences = List.of();

    @Option(
        names = "--all",
        description = "All that nobody has dealt with, or those of them that filters leave")
    private boolean all;

    @Option(
        names = "--rate",
        paramLabel = "N/s",
        description = "So many a second at most. Default: 50")
    private String rate = "50";

    @Option(
        names = "--by",
        paramLabel = "NAME",
        description = "Who does it, for the record. Default: the user's name")
    String operator = System.getProperty("user.name");

    @Option(names = "--json", description = "For a program: one JSON object a line")
    private boolean json;

    private int perSecond;
    private long done;
    private long refused;
    private long total;
    private long begun;

    abstract Future<Result> act(DeadLetterDesk desk, long sequence);

    abstract String inPast();

    abstract String before();

    /** The reason for which they were given up; null for any. */
    abstract String givenUpFor();

    @Override
    public Integer call() throws Exception {
      if (all == !sequences.isEmpty()) {
        throw new CommandLine.ParameterException(
            spec.commandLine(),
            "Say which: numbers as ./holdfast dlq ls gives them, or --all, with filters or without");
      }
      if (!all && (filters.any() || givenUpFor() != null)) {
        throw new CommandLine.ParameterException(spec.commandLine(), "Filters go with --all");
      }
      Matcher given = RATE.matcher(rate);
      if (!given.matches()) {
        throw new CommandLine.ParameterException(
            spec.commandLine(), "--rate is a whole number from 1 a second, as in 50/s");
      }
      perSecond = Integer.parseInt(given.group(1));
      positive(spec, sequences);
      Filter filter = filters.filter(spec, false, givenUpFor());
      try (StreamAccess streams = system.open()) {
        DeadLetterDesk desk = streams.deadLetters();
        begun = System.nanoTime();
        if (all) {
          actOnAll(desk, filter);
        } else {
          total = sequences.size();
          sequences.forEach(sequence -> actOnOne(desk, sequence));
        }
      }
      Terminal.progressDone();
      if (!json) {
        say(
            total == 0 ? "There is none" : "%,d %s%s",
            done,
            inPast(),
            refused == 0 ? "" : ", " + refused + " not");
      }
      return refused == 0 ? 0 : 1;
    }

    /** Those that are there now: what fails again is parked behind them, and would never end. */
    private void actOnAll(DeadLetterDesk desk, Filter filter) {
      long[] last = {0};
      each(
          desk,
          filter,
          letter -> {
            total++;
            last[0] = letter.sequence();
            return true;
          });
      each(
          desk,
          filter,
          letter -> {
            if (letter.sequence() <= last[0]) {
              actOnOne(desk, letter.sequence());
            }
            return letter.sequence() < last[0];
          });
    }

    private void actOnOne(DeadLetterDesk desk, long sequence) {
      long due = begun + (done + refused) * TimeUnit.SECONDS.toNanos(1) / perSecond;
      for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
        LockSupport.parkNanos(wait);
      }
      Result result = StreamAccess.get(act(desk, sequence));
      switch (result) {
        case Done now -> {
          done++;
          if (json) {
            say(
                "%s",
                new JsonObject()
                    .put("dead_letter", sequence)
                    .put("resolution", inPast())
                    .put("before", now.before())
                    .encode());
          } else if (now.before()) {
            Terminal.progressDone();
            say("%d %s", sequence, before());
          }
        }
        case Refused no -> {
          refused++;
          Terminal.progressDone();
          if (json) {
            say(
                "%s",
                new JsonObject().put("dead_letter", sequence).put("refused", no.why()).encode());
          } else {
            spec.commandLine().getErr().println(no.why());
          }
        }
      }
      Terminal.progress(
          "%s %,d of %,d".formatted(Terminal.bar(done + refused, total), done + refused, total));
    }
  }

  /** Sends back. */
  @Command(
      name = "redrive",
      mixinStandardHelpOptions = true,
      description =
          "Sends messages back to the consumer that gave them up, and to no other. Safe to repeat.")
  static final class Redrive extends Bulk {

    @Option(
        names = "--reason",
        paramLabel = "R",
        description = "With --all: given up for this reason, for example attempts_exhausted")
    private String reason;

    @Override
    Future<Result> act(DeadLetterDesk desk, long sequence) {
      return desk.redrive(sequence, null, operator);
    }

    @Override
    String inPast() {
      return "redriven";
    }

    @Override
    String before() {
      return "was redriven before; its message was sent again, which changes nothing if it had arrived";
    }

    @Override
    String givenUpFor() {
      return reason;
    }
  }

  /** Leaves for good. */
  @Command(
      name = "discard",
      mixinStandardHelpOptions = true,
      description =
          "Leaves dead letters as they are, for good and on the record; --reason says why.")
  static final class Discard extends Bulk {

    @Option(names = "--reason", paramLabel = "TEXT", description = "Why; kept on the record")
    private String reason;

    @Option(
        names = "--given-up-for",
        paramLabel = "R",
        description = "With --all: given up for this reason, for example undecodable")
    private String givenUpFor;

    @Override
    public Integer call() throws Exception {
      if (reason == null || reason.isBlank()) {
        throw new CommandLine.ParameterException(
            spec.commandLine(), "Say why, for the record: --reason TEXT");
      }
      return super.call();
    }

    @Override
    Future<Result> act(DeadLetterDesk desk, long sequence) {
      return desk.discard(sequence, reason, operator);
    }

    @Override
    String inPast() {
      return "discarded";
    }

    @Override
    String before() {
      return "was discarded before";
    }

    @Override
    String givenUpFor() {
      return givenUpFor;
    }
  }
}
