package io.holdfast.audit.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.holdfast.audit.BlockIndex;
import io.holdfast.audit.LedgerVerifier;
import io.holdfast.audit.LedgerVerifier.Anchor;
import io.holdfast.audit.LedgerVerifier.Progress;
import io.holdfast.audit.Verdict;
import io.holdfast.events.EventJson;
import io.holdfast.events.Ids;
import io.holdfast.runtime.http.Problem;
import io.holdfast.runtime.http.ProblemException;
import io.holdfast.runtime.jetstream.EventStreams;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /audit}: an order's timeline, the blocks, and the verification of all. */
public final class AuditRoutes {

  private static final int MAX_BLOCKS = 100;
  private static final int DEFAULT_BLOCKS = 20;
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");
  private static final ObjectMapper JSON = EventJson.mapper();
  private static final Logger log = LoggerFactory.getLogger(AuditRoutes.class);

  private final Timelines timelines;
  private final BlockIndex blocks;
  private final LedgerVerifier verifier;
  private final AtomicBoolean verifying = new AtomicBoolean();

  public AuditRoutes(EventStreams streams, BlockIndex blocks, LedgerVerifier verifier) {
    this.timelines = new Timelines(streams, blocks);
    this.blocks = blocks;
    this.verifier = verifier;
  }

  public void mount(Router router) {
    router.get("/audit/orders/:id").handler(this::timeline);
    router.get("/audit/blocks").handler(this::list);
    router.get("/audit/verify").handler(this::verify);
  }

  private void timeline(RoutingContext request) {
    String orderId = request.pathParam("id");
    if (!Ids.valid(orderId)) {
      throw invalid("id", Ids.RULE);
    }
    timelines
        .of(orderId)
        .onSuccess(
            timeline ->
                timeline.ifPresentOrElse(
                    found -> send(request, found),
                    () -> Problem.notFound("No event of this order is stored").send(request)))
        .onFailure(request::fail);
  }

  private void list(RoutingContext request) {
    int limit = (int) number(request, "limit", DEFAULT_BLOCKS, 1, MAX_BLOCKS);
    long newest = blocks.newest();
    long after = number(request, "after", Math.max(0, newest - limit), 0, Long.MAX_VALUE / 2);
    blocks
        .after(after, limit)
        .onSuccess(
            found -> {
              ObjectNode body = JSON.createObjectNode().put("newest", newest);
              ArrayNode list = body.putArray("blocks");
              found.forEach(entry -> list.add(json(entry)));
              send(request, body);
            })
        .onFailure(request::fail);
  }

  private static ObjectNode json(BlockIndex.Sealed entry) {
    var header = entry.header();
    ObjectNode block =
        JSON.createObjectNode()
            .put("block", header.number())
            .put("previous", header.previous())
            .put("root", header.root())
            .put("hash", header.hash())
            .put("count", header.count());
    ArrayNode ranges = block.putArray("ranges");
    header
        .ranges()
        .forEach(
            range ->
                ranges
                    .addObject()
                    .put("stream", range.stream())
                    .put("first", range.first())
                    .put("last", range.last()));
    ObjectNode cursor = block.putObject("cursor");
    header.cursor().last().forEach(cursor::put);
    return block.put("sequence", entry.sequence()).put("stored_at", entry.storedAt().toString());
  }

  /** JSON Lines as the work goes on; the verdict is the last one. */
  private void verify(RoutingContext request) {
    Optional<Anchor> anchor = anchor(request);
    if (!verifying.compareAndSet(false, true)) {
      Problem.overloaded().send(request);
      return;
    }
    HttpServerResponse response = request.response();
    AtomicBoolean left = new AtomicBoolean();
    response.closeHandler(closed -> left.set(true));
    verifier
        .verify(anchor, progress -> tell(response, progress), left::get)
        .onComplete(
            done -> {
              verifying.set(false);
              if (done.succeeded()) {
                begin(response);
                response.end(line(json(done.result())));
              } else if (!(done.cause() instanceof CancellationException)) {
                fail(request, done.cause());
              }
            });
  }

  private static void tell(HttpServerResponse response, Progress progress) {
    if (response.closed() || response.writeQueueFull()) {
      return; // the next one says more
    }
    begin(response);
    response.write(
        line(
            JSON.createObjectNode()
                .put("blocks", progress.blocks())
                .put("of", progress.of())
                .put("events", progress.events())
                .put("findings", progress.findings())));
  }

  private static void begin(HttpServerResponse response) {
    if (!response.headWritten()) {
      response.setChunked(true).putHeader("Content-Type", "application/x-ndjson");
    }
  }

  /** A verification that could not be ended says neither true nor false. */
  private static void fail(RoutingContext request, Throwable cause) {
    if (!request.response().headWritten()) {
      request.fail(cause);
      return;
    }
    log.atWarn().setCause(cause).log("A verification could not be ended");
    request
        .response()
        .end(line(JSON.createObjectNode().putNull("valid").put("error", cause.getMessage())));
  }

  private static ObjectNode json(Verdict verdict) {
    ObjectNode json =
        JSON.createObjectNode()
            .put("valid", verdict.valid())
            .put("blocks", verdict.blocks())
            .put("events", verdict.events())
            .put("unsealed", verdict.unsealed());
    json.putObject("newest").put("block", verdict.newest()).put("hash", verdict.hash());
    ArrayNode findings = json.put("findings_total", verdict.findingsTotal()).putArray("findings");
    verdict
        .findings()
        .forEach(
            finding ->
                findings
                    .addObject()
                    .put("stream", finding.stream())
                    .put("seq", finding.sequence())
                    .put("problem", finding.problem()));
    return json;
  }

  private static Optional<Anchor> anchor(RoutingContext request) {
    String hash = request.request().getParam("hash");
    boolean block = request.request().getParam("block") != null;
    if (hash == null && !block) {
      return Optional.empty();
    }
    if (hash == null || !block || !HASH.matcher(hash).matches()) {
      throw invalid("hash", "must be 64 lower-case hex digits, and go together with block");
    }
    return Optional.of(new Anchor(number(request, "block", 0, 1, Long.MAX_VALUE), hash));
  }

  private static long number(
      RoutingContext request, String name, long defaultValue, long min, long max) {
    String value = request.request().getParam(name);
    if (value == null) {
      return defaultValue;
    }
    try {
      long number = Long.parseLong(value);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      // told below, as a number out of range is
    }
    throw invalid(name, "must be a whole number from " + min + " to " + max);
  }

  private static ProblemException invalid(String field, String rule) {
    return new ProblemException(Problem.invalid(List.of(new Problem.FieldError(field, rule))));
  }

  private static void send(RoutingContext request, ObjectNode body) {
    Future<Void> sent =
        request.response().putHeader("Content-Type", "application/json").end(buffer(body));
    sent.onFailure(gone -> log.atDebug().log("A client left before its answer"));
  }

  private static Buffer line(ObjectNode json) {
    return buffer(json).appendByte((byte) '\n');
  }

  private static Buffer buffer(ObjectNode json) {
    try {
      return Buffer.buffer(JSON.writeValueAsBytes(json));
    } catch (JsonProcessingException impossible) { // a tree can always be written
      throw new UncheckedIOException(impossible);
    }
  }
}
