package io.holdfast.runtime.http;

import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.jetstream.BrokerException;
import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.runtime.telemetry.Meters;
import io.holdfast.runtime.telemetry.Traceparent;
import io.holdfast.runtime.telemetry.Tracing;
import io.holdfast.runtime.telemetry.Work;
import io.micrometer.core.instrument.Counter;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.healthchecks.HealthChecks;
import io.vertx.ext.healthchecks.Status;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.handler.HttpException;
import io.vertx.ext.web.healthchecks.HealthCheckHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;

/**
 * A group's HTTP server: {@code /health}, {@code /ready}, {@code /metrics}, the group's own routes,
 * and what all of them need: limits, problem+json, a way to refuse while draining.
 */
public final class HttpShell {

  private static final long MAX_BODY_BYTES = 64 * 1024;
  private static final int MAX_HEADER_BYTES = 16 * 1024;
  private static final int MAX_HEADERS = 100;
  private static final int IDLE_SECONDS = 60;

  /** Of kubelets and Prometheus; nobody else is there. */
  private static final int MAX_MANAGEMENT_CONNECTIONS = 64;

  private static final CharSequence CONTENT_TYPE_OPTIONS =
      HttpHeaders.createOptimized("X-Content-Type-Options");
  private static final CharSequence NOSNIFF = HttpHeaders.createOptimized("nosniff");
  private static final CharSequence NO_STORE = HttpHeaders.createOptimized("no-store");
  private static final CharSequence CONTENT_SECURITY_POLICY =
      HttpHeaders.createOptimized("Content-Security-Policy");
  private static final CharSequence NOTHING_ALLOWED =
      HttpHeaders.createOptimized("default-src 'none'; frame-ancestors 'none'");

  private static final Set<HttpMethod> WITH_BODY =
      Set.of(HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH);
  private static final String WORK = HttpShell.class.getName() + ".work";
  private static final String RELEASE = HttpShell.class.getName() + ".release";

  /** From the head of a request to the end of its body; a client that trickles is cut off. */
  private static final long BODY_DEADLINE_MILLIS = 10_000;

  private final Vertx vertx;
  private final CommonSettings settings;
  private final Meters meters;
  private final Counter internalErrors;
  private final Tracing tracing;
  private final HealthChecks health;
  private final HealthChecks ready;
  private final Logger log;
  private final AtomicInteger inFlight = new AtomicInteger();

  private HttpServer server;
  private HttpServer managementServer;
  private final List<Long> sweeps = new ArrayList<>();
  private volatile boolean leaving;
  private volatile boolean refusing;
  private volatile Promise<Void> idle;

  /**
   * @param tracing tells of the requests to the group's own routes
   */
  public HttpShell(
      Vertx vertx, String group, CommonSettings settings, Meters meters, Tracing tracing) {
    this.tracing = tracing;
    this.vertx = vertx;
    this.settings = settings;
    this.meters = meters;
    this.internalErrors = meters.internalErrors(group);
    this.health = HealthChecks.create(vertx);
    this.ready = HealthChecks.create(vertx);
    this.log = Logging.of(group, HttpShell.class);
  }

  /**
   * Adds a liveness check, of what only a restart mends. Nothing that depends on the broker or on
   * anybody else outside may be one.
   *
   * @param problem empty if all is well; must not block
   */
  public void alive(String name, Supplier<String> problem) {
    register(health, name, problem);
  }

  /**
   * Adds a readiness check.
   *
   * @param problem empty if all is well; must not block
   */
  public void check(String name, Supplier<String> problem) {
    register(ready, name, problem);
  }

  private static void register(HealthChecks checks, String name, Supplier<String> problem) {
    checks.register(
        name,
        promise -> {
          String found = problem.get();
          promise.complete(
              found.isEmpty() ? Status.OK() : Status.KO(new JsonObject().put("problem", found)));
        });
  }

  /**
   * Binds and serves.
   *
   * @return the port
   */
  public Future<Integer> listen(Consumer<Router> groupRoutes) {
    Router main = Router.router(vertx);
    Router management = settings.managementPort().isPresent() ? Router.router(vertx) : main;
    management.get("/health").handler(HealthCheckHandler.createWithHealthChecks(health));
    management.get("/ready").handler(HealthCheckHandler.createWithHealthChecks(ready));
    management.get("/metrics").handler(this::metrics);

    Router api = Router.router(vertx);
    api.route().handler(this::admit);
    BodyHandler body =
        BodyHandler.create(false).setBodyLimit(MAX_BODY_BYTES).setHandleFileUploads(false);
    // Not by routes of these methods: to the router they would exist at every path, so that an
    // unknown one were a wrong method.
    api.route().handler(request -> ifItHasABody(request, this::bodyDeadline));
    api.route().handler(request -> ifItHasABody(request, body));
    groupRoutes.accept(api);
    main.route("/*").subRouter(api);

    // What is bound first is told last, so that port() is there as soon as anybody knows of us.
    Future<?> managed = Future.succeededFuture();
    if (settings.managementPort().isPresent()) {
      managementServer =
          server(
              settings.managementPort().getAsInt(),
              management,
              new Methods(management),
              MAX_MANAGEMENT_CONNECTIONS);
      managed = managementServer.listen();
    }
    server =
        server(settings.httpPort(), main, new Methods(main, api), settings.httpMaxConnections());
    return managed.compose(bound -> server.listen()).map(HttpServer::actualPort);
  }

  private HttpServer server(int port, Router router, Methods methods, int maxConnections) {
    for (int status : new int[] {404, 405, 406, 413, 415, 500, 400}) {
      router.errorHandler(status, request -> failed(request, methods));
    }
    router.route().failureHandler(request -> failed(request, methods));
    Connections connections = new Connections(maxConnections, log);
    sweeps.add(vertx.setPeriodic(1_000, id -> connections.secondPassed()));
    return vertx
        .createHttpServer(
            new HttpServerOptions()
                .setHost(settings.host())
                .setPort(port)
                .setIdleTimeout(IDLE_SECONDS)
                .setMaxHeaderSize(MAX_HEADER_BYTES)
                .setHttp2ClearTextEnabled(false)
                .setCompressionSupported(false))
        .connectionHandler(connections::opened)
        .invalidRequestHandler(HttpShell::unreadable)
        .requestHandler(
            request -> {
              connections.asks(request);
              enter(request, router);
            });
  }

  private static void enter(HttpServerRequest request, Router router) {
    secure(request.response());
    if (tooMany(request.headers())) {
      headersTooLarge(request);
      return;
    }
    router.handle(request);
  }

  /** The map's own size is that of its names, so that one sent a thousand times is one. */
  private static boolean tooMany(MultiMap headers) {
    int count = 0;
    for (Iterator<?> each = headers.iterator(); each.hasNext(); each.next()) {
      if (++count > MAX_HEADERS) {
        return true;
      }
    }
    return false;
  }

  /** What a browser is to make of our answers: nothing. A page says itself what it may do. */
  private static void secure(HttpServerResponse response) {
    response
        .headers()
        .set(CONTENT_TYPE_OPTIONS, NOSNIFF)
        .set(HttpHeaders.CACHE_CONTROL, NO_STORE)
        .set(CONTENT_SECURITY_POLICY, NOTHING_ALLOWED);
  }

  /** What is no HTTP. Its connection cannot be used further, as nobody knows where it goes on. */
  private static void unreadable(HttpServerRequest request) {
    secure(request.response());
    Throwable cause = request.decoderResult().cause();
    if (cause instanceof TooLongHttpHeaderException) {
      headersTooLarge(request);
    } else if (cause instanceof TooLongHttpLineException) {
      endOfLine(
          request,
          Problem.of(
              414, "uri-too-long", "The request's first line is too long", "See the README"));
    } else {
      endOfLine(request, Problem.malformed("The request is not HTTP as it should be"));
    }
  }

  private static void headersTooLarge(HttpServerRequest request) {
    endOfLine(
        request,
        Problem.of(
            431,
            "headers-too-large",
            "The request's headers are too large",
            "At most " + MAX_HEADERS + " of together " + MAX_HEADER_BYTES + " bytes are accepted"));
  }

  /** Answers, and then ends the connection, whatever else is on its way. */
  private static void endOfLine(HttpServerRequest request, Problem problem) {
    request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    problem.send(request.response()).onComplete(sent -> request.connection().close());
  }

  public int port() {
    return server.actualPort();
  }

  /** The port of health, readiness and metrics, if it is not the other. */
  public int managementPort() {
    return managementServer == null ? port() : managementServer.actualPort();
  }

  /**
   * From now on every answer to the group's own routes ends its connection, so that a client that
   * keeps it finds another instance for the next request. This one is served.
   */
  public void leave() {
    leaving = true;
  }

  /** Requests in process. */
  public int inFlight() {
    return inFlight.get();
  }

  /**
   * From now on requests to the group's own routes are told to come back; those in process go on.
   */
  public void refuse() {
    refusing = true;
  }

  /** Waits for the requests in process, at most so long, then closes. */
  public Future<Void> shutdown(Duration limit) {
    if (server == null) {
      return Future.succeededFuture();
    }
    Promise<Void> quiet = Promise.promise();
    idle = quiet;
    if (inFlight.get() == 0) {
      quiet.tryComplete();
    }
    // Kept-alive connections would hold the server's own shutdown up, so it gets only a moment
    // after the last answer.
    return quiet
        .future()
        .timeout(limit.toMillis(), TimeUnit.MILLISECONDS)
        .transform(done -> server.shutdown(500, TimeUnit.MILLISECONDS))
        .transform(
            done ->
                managementServer == null
                    ? Future.succeededFuture()
                    : managementServer.shutdown(500, TimeUnit.MILLISECONDS))
        .onComplete(done -> sweeps.forEach(vertx::cancelTimer));
  }

  private void admit(RoutingContext request) {
    if (leaving || refusing) {
      request.response().putHeader("Connection", "close");
    }
    if (refusing) {
      Problem.unavailable("This instance is shutting down").send(request);
      return;
    }
    if (inFlight.get() >= settings.httpMaxInFlight()) {
      Problem.overloaded().send(request);
      return;
    }
    if (tracing.on()) {
      tell(request);
    }
    inFlight.incrementAndGet();
    AtomicBoolean counted = new AtomicBoolean(true);
    Runnable release = () -> release(counted);
    request.put(RELEASE, release);
    request.addEndHandler(ended -> release.run());
    request.next();
  }

  private void tell(RoutingContext request) {
    String method = request.request().method().name();
    Work work = tracing.serves(method, request.request().getHeader(Traceparent.HEADER));
    work.about("url.path", request.normalizedPath()).about("url.scheme", "http");
    request.put(WORK, new Served(tracing, work));
    request.addEndHandler(
        ended -> {
          int status = request.response().getStatusCode();
          if (request.currentRoute() != null && request.currentRoute().getPath() != null) {
            String route = request.currentRoute().getPath();
            work.named(method + " " + route).about("http.route", route);
          }
          work.about("http.response.status_code", status);
          if (status >= 500) {
            work.about("error.type", Integer.toString(status)).failed("status " + status);
          }
          work.end(ended.cause());
        });
  }

  private record Served(Tracing tracing, Work work) {}

  /**
   * The trace that a request's effects belong to: the one it is told in, else the one that it
   * names, else a new one.
   *
   * @param aggregateId on which it has its effect
   */
  public static String traceId(RoutingContext request, String aggregateId) {
    isOn(request, aggregateId);
    Served served = request.get(WORK);
    if (served != null) {
      return Tracing.traceId(served.work).orElseThrow();
    }
    return Traceparent.traceId(request.request().getHeader(Traceparent.HEADER))
        .orElseGet(Traceparent::newTraceId);
  }

  /** Says what a request is about whose effects belong to the trace that is there already. */
  public static void isOn(RoutingContext request, String aggregateId) {
    Served served = request.get(WORK);
    if (served != null) {
      served.tracing.isOn(served.work, aggregateId);
    }
  }

  private void release(AtomicBoolean counted) {
    if (counted.compareAndSet(true, false)) {
      Promise<Void> waiting = idle;
      if (inFlight.decrementAndGet() == 0 && waiting != null) {
        waiting.tryComplete();
      }
    }
  }

  /**
   * Says that this request will stay open for long, as a stream of events does: it counts no more
   * among those in process, and a drain does not wait for it but closes its connection. Whoever
   * calls this bounds their number himself.
   */
  public static void staysOpen(RoutingContext request) {
    Runnable release = request.get(RELEASE);
    if (release != null) {
      release.run();
    }
  }

  private static void ifItHasABody(RoutingContext request, Handler<RoutingContext> handler) {
    if (WITH_BODY.contains(request.request().method())) {
      handler.handle(request);
    } else {
      request.next();
    }
  }

  private void bodyDeadline(RoutingContext request) {
    long timer =
        vertx.setTimer(
            BODY_DEADLINE_MILLIS,
            id -> {
              if (request.response().ended()) { // refused for its size, and never read
                request.request().connection().close();
                return;
              }
              log.atWarn().log("A request's body did not arrive in time, connection closed");
              endOfLine(
                  request.request(),
                  Problem.of(
                      408,
                      "too-slow",
                      "The body did not arrive in time",
                      "It may take " + BODY_DEADLINE_MILLIS / 1_000 + " s"));
            });
    request.request().end().onComplete(arrived -> vertx.cancelTimer(timer));
    request.next();
  }

  private void metrics(RoutingContext request) {
    String accepted = request.request().getHeader("Accept");
    String type =
        accepted != null && accepted.contains("application/openmetrics-text")
            ? Meters.OPEN_METRICS
            : Meters.PLAIN_TEXT;
    vertx
        .executeBlocking(() -> meters.scrape(type), false)
        .onSuccess(text -> request.response().putHeader("Content-Type", type).end(text))
        .onFailure(request::fail);
  }

  private void failed(RoutingContext request, Methods methods) {
    Throwable cause = request.failure();
    int status = request.statusCode();
    switch (cause) {
      case ProblemException known -> known.problem().send(request);
      case BrokerException unavailable ->
          Problem.unavailable(unavailable.getMessage()).send(request);
      case HttpException http -> byStatus(request, http.getStatusCode(), methods);
      // A path that cannot be decoded comes with neither a cause nor a status.
      case null -> byStatus(request, status < 400 ? 400 : status, methods);
      default -> {
        if (status >= 400 && status < 500) {
          byStatus(request, status, methods);
        } else {
          internalErrors.increment();
          log.atError()
              .setCause(cause)
              .addKeyValue("method", request.request().method().name())
              .addKeyValue("path", request.normalizedPath())
              .log("A request failed");
          Problem.of(500, "internal", "Something went wrong here", "It is in the log")
              .send(request);
        }
      }
    }
  }

  private static void byStatus(RoutingContext request, int given, Methods methods) {
    int status = given;
    if (status == 404 || status == 405) {
      // A path of one router with another's method is unknown to that other, but not to us.
      String allowed = methods.at(request.normalizedPath());
      status = allowed.isEmpty() ? 404 : 405;
      if (status == 405) {
        request.response().putHeader(HttpHeaders.ALLOW, allowed);
      }
    }
    Problem problem =
        switch (status) {
          case 400 -> Problem.malformed("The request cannot be read");
          case 404 -> Problem.notFound("Nothing is at this path");
          case 405 ->
              Problem.of(
                  405, "method-not-allowed", "The method is not allowed here", "See the README");
          case 413 ->
              Problem.of(
                  413,
                  "too-large",
                  "The body is too large",
                  "At most " + MAX_BODY_BYTES + " bytes are accepted");
          case 415 ->
              Problem.of(415, "unsupported-media-type", "The body must be JSON", "See the README");
          default -> Problem.of(status, "http-" + status, "The request failed", "Status " + status);
        };
    problem.send(request);
  }
}
