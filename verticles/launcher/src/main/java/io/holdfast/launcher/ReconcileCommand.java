package io.holdfast.launcher;

import static io.holdfast.launcher.Terminal.say;

import io.holdfast.audit.LedgerVerifier;
import io.holdfast.audit.Verdict;
import io.holdfast.launcher.reconcile.Books;
import io.holdfast.launcher.reconcile.GatewayLedger;
import io.holdfast.launcher.reconcile.Invariant;
import io.holdfast.launcher.reconcile.Until;
import io.holdfast.launcher.reconcile.Violation;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.jetstream.RawMessage;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.jetstream.StreamCatalog.StreamSpec;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Checks every promise against what the streams, the ledger and the gateway's own books hold. */
@Command(
    name = "reconcile",
    mixinStandardHelpOptions = true,
    description = "Checks the invariants I1..I9; exit status 0 only if all hold.")
final class ReconcileCommand implements Callable<Integer> {

  private static final int SHOWN = 20;
  private static final int PAGE = 1_000;
  private static final int PAGE_BYTES = 8 << 20;
  private static final long LOOK_MILLIS = 100;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;
  @Mixin private SystemOptions system;

  @Option(
      names = "--accepted",
      paramLabel = "FILE",
      description =
          "Ids of orders that got a 202, one a line. Default: what ./holdfast order noted")
  private Path acceptedFile;

  @Option(
      names = "--wait",
      paramLabel = "SECONDS",
      description = "For what is still under way. Default: 60")
  private int waitSeconds =
      60; // twice what the broker waits for a killed consumer's acknowledgements

  @Option(names = "--json", paramLabel = "FILE", description = "Writes the report there too")
  private Path json;

  private final Map<Invariant, String> basis = new EnumMap<>(Invariant.class);

  /** What could not be checked, and why; the rest may be said to hold nevertheless. */
  private final Map<Invariant, String> unchecked = new EnumMap<>(Invariant.class);

  private final List<String> notes = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    if (waitSeconds < 0) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--wait must be 0 or more seconds");
    }
    String gatewayUrl = system.gatewayUrl().orElse(null);
    try (StreamAccess streams = system.open()) {
      return reconcile(streams, gatewayUrl);
    }
  }

  private int reconcile(StreamAccess streams, String gatewayUrl) throws Exception {
    long begun = System.nanoTime();
    Books books = new Books(streams.subjects());
    boolean journal = readAccepted(books);
    Map<String, Long> next = new TreeMap<>();
    StreamCatalog.AUDITED.forEach(stream -> next.put(stream, 1L));

    // What comes in from here on is in flight; what was there has to reach its end in time.
    List<String> optional = optionalStreams(streams);
    List<ConsumerSpec> consumers = consumers(optional);
    Until until = now(streams, optional);
    long deadline = begun + Duration.ofSeconds(waitSeconds).toNanos();
    List<Violation> unsettled;
    while (true) {
      readAll(streams, books, next);
      unsettled = unsettledConsumers(streams, consumers, until);
      boolean settled =
          books.underWay(until) == 0
              && unsettled.isEmpty()
              && sealed(streams, until)
              && books.stockAddsUp();
      if (settled || System.nanoTime() - deadline > 0) {
        break;
      }
      Terminal.progress(
          "waiting for what is under way: %,d orders".formatted(books.underWay(until)));
      Thread.sleep(LOOK_MILLIS);
    }
    Terminal.progressDone();

    List<Violation> violations = new ArrayList<>(books.check(until));
    violations.addAll(unsettled);
    if (unsettled.isEmpty()) {
      readAll(streams, books, next); // a dead letter is stored before its message is settled
      violations.addAll(books.notParked(StreamCatalog.CONSUMERS, until));
    }
    basis.put(
        Invariant.I1,
        journal
            ? "%,d accepted, %,d orders".formatted(books.acceptedCount(), books.orderCount())
            : "%,d orders; no list of accepted ones".formatted(books.orderCount()));
    basis.put(
        Invariant.I2,
        "%,d confirmed, %,d cancelled".formatted(books.confirmedCount(), books.cancelledCount()));
    violations.addAll(charges(books, gatewayUrl, until));
    basis.put(Invariant.I4, "%,d skus".formatted(books.skuCount()));
    basis.put(
        Invariant.I5,
        "%,d final orders".formatted(books.confirmedCount() + books.cancelledCount()));
    violations.addAll(ledger(streams, until));
    basis.put(
        Invariant.I7,
        "%d consumers, %d of them for redrives"
            .formatted(
                consumers.size(),
                consumers.stream().filter(c -> c.stream().equals(StreamCatalog.REDRIVES)).count()));
    basis.put(Invariant.I8, "%,d facts".formatted(books.facts()));
    basis.put(Invariant.I9, "%,d orders".formatted(books.orderCount()));
    if (books.inFlight(until) > 0) {
      notes.add("%,d orders came in meanwhile and are in flight".formatted(books.inFlight(until)));
    }
    if (books.foreign() > 0) {
      notes.add("%,d messages are no facts of ours".formatted(books.foreign()));
    }
    if (books.deadLetters() > 0) {
      notes.add(
          "%,d dead letters, %,d of them wait for an operator: ./holdfast dlq ls"
              .formatted(books.deadLetters(), books.openDeadLetters()));
    }
    List<String> parked = books.parked();
    if (!parked.isEmpty()) {
      notes.add(
          "%,d orders wait for an operator, as a message of theirs was parked: %s"
              .formatted(parked.size(), String.join(", ", parked.stream().limit(10).toList())));
    }
    List<String> discarded = books.discarded();
    if (!discarded.isEmpty()) {
      notes.add(
          "%,d orders stay as they are, as an operator discarded a message of theirs: %s"
              .formatted(
                  discarded.size(), String.join(", ", discarded.stream().limit(10).toList())));
    }
    return report(violations, books, parked, (System.nanoTime() - begun) / 1_000_000);
  }

  private boolean readAccepted(Books books) throws IOException {
    // What was noted here is of the system that runs here.
    Optional<Path> noted =
        (system.elsewhere() ? Optional.<Path>empty() : system.known())
            .map(data -> data.resolve(OrderCommand.AcceptedOrders.FILE))
            .filter(Files::exists);
    Optional<Path> file = Optional.ofNullable(acceptedFile).or(() -> noted);
    if (file.isEmpty()) {
      return false;
    }
    try (var lines = Files.lines(file.get())) {
      lines.map(String::strip).filter(line -> !line.isEmpty()).forEach(books::accepted);
    }
    return true;
  }

  private static void readAll(StreamAccess streams, Books books, Map<String, Long> next) {
    for (Map.Entry<String, Long> position : next.entrySet()) {
      while (true) {
        List<RawMessage> page =
            StreamAccess.get(
                streams
                    .reader()
                    .read(
                        streams.subjects().stream(position.getKey()),
                        position.getValue(),
                        PAGE,
                        PAGE_BYTES));
        page.forEach(m -> books.read(m.subject(), m.sequence(), m.body()));
        if (page.isEmpty()) {
          break;
        }
        position.setValue(page.getLast().sequence() + 1);
        Terminal.progress("read %,d messages".formatted(books.messages()));
      }
    }
  }

  /** Those that are made only if a setting asks for them, and are there. */
  private static List<String> optionalStreams(StreamAccess streams) {
    return StreamCatalog.OPTIONAL_STREAMS.stream()
        .map(StreamSpec::name)
        .filter(
            stream -> {
              try {
                StreamAccess.get(streams.reader().state(streams.subjects().stream(stream)));
                return true;
              } catch (BrokerException e) {
                if (e.noSuchStream()) {
                  return false;
                }
                throw e;
              }
            })
        .toList();
  }

  /** Those that every system has, and those of these streams. */
  private static List<ConsumerSpec> consumers(List<String> optionalStreams) {
    List<ConsumerSpec> consumers = new ArrayList<>(StreamCatalog.CONSUMERS);
    consumers.addAll(StreamCatalog.REDRIVE_CONSUMERS);
    StreamCatalog.OPTIONAL_CONSUMERS.stream()
        .filter(consumer -> optionalStreams.contains(consumer.stream()))
        .forEach(consumer -> consumers.addAll(List.of(consumer, consumer.redriven())));
    return consumers;
  }

  private static Until now(StreamAccess streams, List<String> optionalStreams) {
    Set<String> all = new TreeSet<>(StreamCatalog.AUDITED);
    all.addAll(optionalStreams);
    Map<String, Long> ends = new TreeMap<>();
    all.forEach(
        stream ->
            ends.put(
                stream,
                StreamAccess.get(streams.reader().state(streams.subjects().stream(stream)))
                    .lastSequence()));
    return new Until(ends);
  }

  /** Messages that were there and are not delivered, or not settled. */
  private static List<Violation> unsettledConsumers(
      StreamAccess streams, List<ConsumerSpec> consumers, Until until) {
    List<Violation> violations = new ArrayList<>();
    long redrives = 0;
    for (ConsumerSpec consumer : consumers) {
      String problem;
      try {
        ConsumerState state =
            StreamAccess.get(
                streams
                    .reader()
                    .consumer(streams.subjects().stream(consumer.stream()), consumer.name()));
        if (consumer.stream().equals(StreamCatalog.REDRIVES)) {
          redrives += state.pending() + state.unacknowledged();
        }
        long last = // asked after the consumer, so that it cannot be behind it
            StreamAccess.get(streams.reader().state(streams.subjects().stream(consumer.stream())))
                .lastSequence();
        boolean settled =
            state.pending() + state.unacknowledged() == 0
                || state.ackFloor() >= until.of(consumer.stream());
        if (Math.max(state.ackFloor(), state.delivered()) > last) {
          // A damaged state file; what comes next would be passed over without a word.
          problem =
              "is at message %,d of a stream that ends at %,d"
                  .formatted(Math.max(state.ackFloor(), state.delivered()), last);
        } else {
          problem =
              settled
                  ? null
                  : "%,d messages wait, %,d are not acknowledged%s"
                      .formatted(state.pending(), state.unacknowledged(), ofASetting(consumer));
        }
      } catch (BrokerException e) {
        problem = "cannot be asked: " + e.getMessage();
      }
      if (problem != null) {
        violations.add(new Violation(Invariant.I7, "", "consumer " + consumer.name(), 0, problem));
      }
    }
    long kept =
        StreamAccess.get(streams.reader().state(streams.subjects().stream(StreamCatalog.REDRIVES)))
            .messages();
    if (kept > redrives) {
      violations.add(
          new Violation(
              Invariant.I7,
              "",
              StreamCatalog.REDRIVES,
              0,
              "%,d redriven messages wait for no consumer".formatted(kept - redrives)));
    }
    return violations;
  }

  /** Why nobody may take them any more: a setting can be taken back, its consumer stays. */
  private static String ofASetting(ConsumerSpec consumer) {
    String setting = StreamCatalog.ASKED_FOR_BY.get(consumer.stream());
    return setting == null
        ? ""
        : "; if %s was set and is not any more, they end by themselves after a day"
            .formatted(setting);
  }

  /** Whether the ledger holds all that was there. */
  private static boolean sealed(StreamAccess streams, Until until) {
    Optional<RawMessage> last =
        StreamAccess.get(
            streams
                .reader()
                .last(
                    streams.subjects().stream("AUDIT"), streams.subjects().subject("audit.block")));
    String cursor = last.flatMap(block -> block.header("Audit-Cursor")).orElse("");
    Map<String, Long> positions = new TreeMap<>();
    for (String position : cursor.split(",", -1)) {
      int colon = position.lastIndexOf(':');
      if (colon > 0) {
        positions.put(position.substring(0, colon), Long.parseLong(position.substring(colon + 1)));
      }
    }
    return StreamCatalog.AUDITED.stream()
        .allMatch(
            stream ->
                positions.getOrDefault(streams.subjects().stream(stream), 0L) >= until.of(stream));
  }

  private List<Violation> charges(Books books, String gatewayUrl, Until until) {
    if (SystemOptions.NO_GATEWAY.equals(gatewayUrl)) {
      basis.put(Invariant.I3, "left out");
      return List.of();
    }
    if (gatewayUrl == null) {
      unchecked.put(Invariant.I3, "the gateway is not known: --gateway URL, or --gateway none");
      return List.of();
    }
    Terminal.progress("reading the gateway's ledger");
    try {
      List<Violation> violations =
          books.checkCharges(
              new GatewayLedger(() -> Api.stream(gatewayUrl + "/simulator/ledger")), until);
      Terminal.progressDone();
      basis.put(Invariant.I3, "%,d charges".formatted(books.charges()));
      if (books.unknownCharges() > 0) {
        notes.add(
            "%,d charges are of orders that these streams do not know"
                .formatted(books.unknownCharges()));
      }
      return violations;
    } catch (Api.Unreachable | UncheckedIOException | IllegalStateException e) {
      unchecked.put(Invariant.I3, "the gateway's ledger cannot be read: " + e.getMessage());
      return List.of();
    }
  }

  private List<Violation> ledger(StreamAccess streams, Until until) {
    LedgerVerifier verifier =
        new LedgerVerifier(streams.vertx(), streams.reader(), streams.subjects());
    Verdict verdict =
        await(
            verifier.verify(
                Optional.empty(),
                progress ->
                    Terminal.progress(
                        "verified %,d of %,d blocks".formatted(progress.blocks(), progress.of())),
                () -> false));
    Terminal.progressDone();
    basis.put(
        Invariant.I6, "%,d blocks, %,d messages".formatted(verdict.blocks(), verdict.events()));
    List<Violation> violations =
        new ArrayList<>(
            verdict.findings().stream()
                .map(
                    finding ->
                        new Violation(
                            Invariant.I6,
                            "",
                            finding.stream(),
                            finding.sequence(),
                            finding.problem()))
                .toList());
    if (verdict.unsealed() > 0 && !sealed(streams, until)) {
      violations.add(
          new Violation(
              Invariant.I6, "", "AUDIT", 0, verdict.unsealed() + " messages are not sealed yet"));
    }
    return violations;
  }

  /** A verification takes as long as the ledger is long; its progress shows that it lives. */
  private static <T> T await(io.vertx.core.Future<T> future) {
    try {
      return future.await(6, java.util.concurrent.TimeUnit.HOURS);
    } catch (java.util.concurrent.TimeoutException e) {
      throw new IllegalStateException("the verification did not end", e);
    }
  }

  private int report(List<Violation> violations, Books books, List<String> parked, long millis)
      throws IOException {
    say("");
    for (Invariant invariant : Invariant.values()) {
      long count = violations.stream().filter(v -> v.invariant() == invariant).count();
      String verdict;
      if (unchecked.containsKey(invariant)) {
        verdict = Terminal.bad("not checked");
      } else if (count > 0) {
        verdict = Terminal.bad(violations(count));
      } else {
        verdict = "left out".equals(basis.get(invariant)) ? "left out" : Terminal.good("holds");
      }
      say(
          "  %s  %-70s %-34s %s",
          invariant, invariant.sentence(), basis.getOrDefault(invariant, ""), verdict);
    }
    say("");
    notes.forEach(note -> say("  note: " + note));
    unchecked.forEach((invariant, why) -> say("  %s could not be checked: %s", invariant, why));
    violations.stream().limit(SHOWN).forEach(violation -> say("  " + violation));
    if (violations.size() > SHOWN) {
      say("  ... and %,d more; --json FILE writes all of them", violations.size() - SHOWN);
    }
    say("%s (%,d messages, %,d ms)", conclusion(violations.size()), books.messages(), millis);
    if (json != null) {
      Files.writeString(json, json(violations, books, parked).encodePrettily());
    }
    return violations.isEmpty() && unchecked.isEmpty() ? 0 : 1;
  }

  private String conclusion(int violations) {
    if (unchecked.isEmpty()) {
      return violations == 0
          ? Terminal.good("All invariants hold")
          : Terminal.bad(violations(violations));
    }
    String names =
        unchecked.keySet().stream().map(Invariant::name).collect(Collectors.joining(", "));
    return Terminal.bad(
        violations == 0
            ? "All others hold, but %s could not be checked".formatted(names)
            : "%s, and %s could not be checked".formatted(violations(violations), names));
  }

  private static String violations(long count) {
    return count == 1 ? "1 violation" : "%,d violations".formatted(count);
  }

  private JsonObject json(List<Violation> violations, Books books, List<String> parked) {
    JsonArray list = new JsonArray();
    violations.forEach(violation -> list.add(violation.json()));
    JsonObject invariants = new JsonObject();
    for (Invariant invariant : Invariant.values()) {
      JsonObject verdict =
          new JsonObject()
              .put(
                  "holds",
                  !unchecked.containsKey(invariant)
                      && violations.stream().noneMatch(v -> v.invariant() == invariant))
              .put("checked", basis.getOrDefault(invariant, ""));
      if (unchecked.containsKey(invariant)) {
        verdict.put("not_checked", unchecked.get(invariant));
      }
      invariants.put(invariant.name(), verdict);
    }
    return new JsonObject()
        .put("valid", violations.isEmpty() && unchecked.isEmpty())
        .put("orders", books.orderCount())
        .put("confirmed", books.confirmedCount())
        .put("cancelled", books.cancelledCount())
        .put("messages", books.messages())
        .put("parked", new JsonArray(parked))
        .put("discarded", new JsonArray(books.discarded()))
        .put("open_dead_letters", books.openDeadLetters())
        .put("invariants", invariants)
        .put("violations", list)
        .put("notes", new JsonArray(notes));
  }
}
