package io.holdfast.gateway.http;

import io.holdfast.gateway.domain.StripeError;
import io.holdfast.gateway.faults.Dice;
import io.holdfast.gateway.faults.Fate;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.ext.web.RoutingContext;

/**
 * The one place where requests meet their fate: before a route sees them, and again when it has an
 * answer. The routes know nothing of it.
 */
final class FaultDoor {

  /**
   * How long a connection is held that gets no answer; the server's own idle limit may be shorter.
   */
  private static final long HOLD_MILLIS = 60_000;

  private static final String FATE = "gateway.fate";

  private final Vertx vertx;
  private final Dice dice;

  FaultDoor(Vertx vertx, Dice dice) {
    this.vertx = vertx;
    this.dice = dice;
  }

  /** On the way in. */
  void enter(RoutingContext request) {
    boolean change = request.request().method().equals(HttpMethod.POST);
    Fate fate = dice.draw(change, change && request.normalizedPath().equals("/v1/refunds"));
    request.put(FATE, fate);
    switch (fate.kind()) {
      case CLOSED -> close(request);
      case IGNORED -> hold(request);
      case RATE_LIMITED -> {
        request.response().putHeader("Retry-After", "1");
        pause(request).onSuccess(v -> StripeRoutes.send(request, StripeError.rateLimited()));
      }
      case FAILED ->
          pause(request).onSuccess(v -> StripeRoutes.send(request, StripeError.internal()));
      case ANSWERED, SILENCED, DROPPED_AFTER_CHARGE -> {
        if (change) {
          request.next(); // its time passes while it holds its key
        } else {
          pause(request).onSuccess(v -> request.next());
        }
      }
    }
  }

  /** The time that the request's answer takes. */
  Future<Void> pause(RoutingContext request) {
    long delay = fate(request).delayMs();
    return delay == 0 ? Future.succeededFuture() : vertx.timer(delay).mapEmpty();
  }

  /** Whether a charge that the request comes to is declined. */
  boolean declines(RoutingContext request) {
    return fate(request).declines();
  }

  /**
   * On the way out.
   *
   * @param charged whether the request took money just now
   * @return whether it may be answered; if not, that was seen to
   */
  boolean leave(RoutingContext request, boolean charged) {
    switch (fate(request).kind()) {
      case SILENCED -> {
        hold(request);
        return false;
      }
      case DROPPED_AFTER_CHARGE -> {
        if (charged) {
          close(request);
        }
        return !charged;
      }
      default -> {
        return true;
      }
    }
  }

  private static Fate fate(RoutingContext request) {
    return request.get(FATE);
  }

  private void hold(RoutingContext request) {
    long timer = vertx.setTimer(HOLD_MILLIS, id -> close(request));
    request.addEndHandler(gone -> vertx.cancelTimer(timer));
  }

  private static void close(RoutingContext request) {
    request.request().connection().close();
  }
}
