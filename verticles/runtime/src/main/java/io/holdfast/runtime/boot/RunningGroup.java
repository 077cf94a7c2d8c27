package io.holdfast.runtime.boot;

import io.holdfast.runtime.boot.VerticleGroup.Parts;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.http.Access;
import io.holdfast.runtime.http.HttpShell;
import io.holdfast.runtime.jetstream.GroupStreams;
import io.holdfast.runtime.telemetry.Logging;
import io.holdfast.runtime.telemetry.Tracing;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;

/**
 * A verticle group from start to drain. HTTP answers at once; the verticles begin when the broker
 * and the streams are there, however long that takes.
 */
public final class RunningGroup {

  private static final long REDEPLOY_MILLIS = 1_000;

  private final VerticleGroup group;
  private final Vertx vertx;
  private final CommonSettings settings;
  private final GroupStreams streams;
  private final HttpShell http;
  private final Tracing tracing;
  private final Access access;
  private final Logger log;
  private final long startedAt = System.nanoTime();
  private final Promise<Void> drained = Promise.promise();

  private volatile String notReady = "starting";
  private volatile boolean draining;

  private RunningGroup(
      VerticleGroup group,
      Vertx vertx,
      CommonSettings settings,
      GroupStreams streams,
      HttpShell http,
      Tracing tracing,
      Access access) {
    this.group = group;
    this.tracing = tracing;
    this.access = access;
    this.vertx = vertx;
    this.settings = settings;
    this.streams = streams;
    this.http = http;
    this.log = Logging.of(group.name(), RunningGroup.class);
  }

  /**
   * Starts a group.
   *
   * @param processName of the connection, if this group is the first to need one
   * @return completes when HTTP listens; readiness comes later, see {@code /ready}
   * @throws io.holdfast.runtime.config.SettingsException if a setting is at fault
   */
  public static Future<RunningGroup> start(
      VerticleGroup group, Map<String, String> env, Platform platform, String processName) {
    Settings own = new Settings(env);
    CommonSettings settings = CommonSettings.read(own, group.defaultPort());
    Tracing tracing = Tracing.of(group.name(), own);
    Vertx vertx = platform.vertx();
    Access access = Access.of(vertx, group.name(), own, settings.host());
    GroupStreams streams =
        group.streams().isEmpty()
            ? null
            : new GroupStreams(
                vertx,
                platform.broker(settings, processName),
                group.name(),
                settings,
                group.streams(),
                platform.meters(),
                tracing);
    HttpShell http = new HttpShell(vertx, group.name(), settings, platform.meters(), tracing);
    RunningGroup running = new RunningGroup(group, vertx, settings, streams, http, tracing, access);
    Parts parts =
        group.assemble(
            new GroupContext(
                vertx,
                own,
                settings,
                streams,
                streams == null ? null : streams.reader(),
                platform.meters(),
                tracing,
                access));
    http.alive("event-loops", platform.loops()::problem);
    platform
        .meters()
        .gauge(
            "group_ready",
            "1 if the group is ready, 0 if not",
            "group",
            group.name(),
            () -> running.ready() ? 1 : 0);
    running.registerChecks();
    parts.checks().forEach(http::check);
    return http.listen(parts.routes())
        .onSuccess(port -> running.deployWhenReady(parts.verticles()))
        .map(running);
  }

  /** The port that HTTP listens on. */
  public int port() {
    return http.port();
  }

  /** The port of {@code /health}, {@code /ready} and {@code /metrics}, if it is not the other. */
  public int managementPort() {
    return http.managementPort();
  }

  public String name() {
    return group.name();
  }

  /** Why the group is not ready; empty if it is. */
  public String notReady() {
    if (draining) {
      return "draining";
    }
    if (streams != null && !streams.problems().isEmpty()) {
      return String.join("; ", streams.problems());
    }
    return notReady;
  }

  private boolean ready() {
    return notReady().isEmpty() && (streams == null || streams.silentConsumers().isEmpty());
  }

  /**
   * Stops taking work, finishes what is in process, gives back the rest.
   *
   * <p>Messages are asked for no more from now on. Requests are still served during the grace, for
   * those who have not yet seen that the group is not ready.
   *
   * @return true if all was finished within the drain's time. Never fails
   */
  public Future<Boolean> drain() {
    draining = true;
    http.leave();
    log.atInfo().log("Draining");
    long begun = System.nanoTime();
    Future<Void> messages = streams == null ? Future.succeededFuture() : streams.drain();
    Future.join(messages, grace().compose(over -> shutHttp()))
        .timeout(
            settings.drainGrace().plus(settings.drainTimeout()).toMillis(), TimeUnit.MILLISECONDS)
        .onSuccess(all -> drained.tryComplete())
        .onFailure(drained::tryFail);
    return drained
        .future()
        .<Boolean>transform(
            done -> {
              if (done.succeeded()) {
                log.atInfo()
                    .addKeyValue("took_ms", Duration.ofNanos(System.nanoTime() - begun).toMillis())
                    .log("Drained");
                return Future.succeededFuture(true);
              }
              if (!(done.cause() instanceof TimeoutException)) {
                log.atWarn().setCause(done.cause()).log("Trouble while draining");
              }
              http.refuse();
              Future<Integer> given =
                  streams == null ? Future.succeededFuture(0) : streams.giveBack();
              return given.map(
                  count -> {
                    log.atError()
                        .addKeyValue("given_back", count)
                        .addKeyValue("requests_cut_off", http.inFlight())
                        .log("Force shutdown");
                    return false;
                  });
            })
        .onComplete(done -> access.close())
        .compose(clean -> tracing.close().map(clean));
  }

  /** Ends the wait of a drain, one that has begun or one to come, as if its time were up. */
  public void hurry() {
    drained.tryFail(new TimeoutException("told to hurry"));
  }

  private Future<Void> grace() {
    long millis = settings.drainGrace().toMillis();
    return millis == 0
        ? Future.succeededFuture()
        : vertx.timer(millis, TimeUnit.MILLISECONDS).mapEmpty();
  }

  private Future<Void> shutHttp() {
    http.refuse();
    return http.shutdown(settings.drainTimeout());
  }

  private void registerChecks() {
    if (streams != null) {
      http.check(
          "broker",
          () -> streams.problems().isEmpty() ? "" : String.join("; ", streams.problems()));
      http.check(
          "consumers",
          () ->
              streams.silentConsumers().isEmpty()
                  ? ""
                  : "not asking for messages: " + String.join(", ", streams.silentConsumers()));
    }
    http.check("verticles", () -> notReady);
    http.check("draining", () -> draining ? "draining" : "");
  }

  private void deployWhenReady(List<VerticleBase> verticles) {
    Future<Void> ready = streams == null ? Future.succeededFuture() : streams.whenReady();
    ready.onSuccess(v -> deploy(verticles, 0));
  }

  /** One after the other; one that cannot start yet is tried until it can. */
  private void deploy(List<VerticleBase> verticles, int next) {
    if (draining) {
      return;
    }
    if (next == verticles.size()) {
      notReady = "";
      log.atInfo()
          .addKeyValue("port", http.port())
          .addKeyValue("took_ms", Duration.ofNanos(System.nanoTime() - startedAt).toMillis())
          .log("Ready");
      return;
    }
    vertx
        .deployVerticle(verticles.get(next))
        .onSuccess(id -> deploy(verticles, next + 1))
        .onFailure(
            cause -> {
              String reason = String.valueOf(cause.getMessage());
              if (!reason.equals(notReady)) {
                log.atError().addKeyValue("error", reason).log("Cannot start yet");
              }
              notReady = reason;
              vertx.setTimer(REDEPLOY_MILLIS, id -> deploy(verticles, next));
            });
  }
}
