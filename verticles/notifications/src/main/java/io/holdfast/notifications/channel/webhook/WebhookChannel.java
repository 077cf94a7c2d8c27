package io.holdfast.notifications.channel.webhook;

import io.holdfast.events.CancelReason;
import io.holdfast.notifications.Channel;
import io.holdfast.notifications.Notification;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.ext.web.codec.BodyCodec;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A signed POST to a receiver of the operator's, who tells the customer in whatever way.
 *
 * @see <a href="https://www.standardwebhooks.com">Standard Webhooks</a>
 */
public final class WebhookChannel implements Channel {

  public static final String NAME = "webhook";

  /**
   * Refusals that a later attempt may not meet: it took too long, came too early, or found too many
   * others; or the receiver does not believe our signature, which is for an operator to set right
   * and no fault of the notification.
   */
  private static final Set<Integer> MAY_CHANGE = Set.of(401, 403, 407, 408, 409, 425, 429);

  private static final long MAX_RETRY_AFTER_SECONDS = 600;

  private final WebClient client;
  private final WebhookSettings settings;
  private final Clock clock;

  public WebhookChannel(Vertx vertx, WebhookSettings settings, Clock clock) {
    this.settings = settings;
    this.clock = clock;
    this.client =
        WebClient.create(
            vertx,
            new WebClientOptions()
                .setFollowRedirects(false) // it would be signed for somebody else
                .setConnectTimeout((int) Math.min(settings.timeout().toMillis(), 5_000))
                .setIdleTimeout(60)
                .setIdleTimeoutUnit(TimeUnit.SECONDS)
                .setUserAgent("holdfast-notifications"),
            new PoolOptions().setHttp1MaxSize(settings.connections()));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Future<Void> send(Notification notification, String address) {
    Buffer body = body(notification).toBuffer();
    long now = clock.instant().getEpochSecond();
    return client
        .postAbs(settings.url().toString())
        .timeout(settings.timeout().toMillis())
        .putHeader("Content-Type", "application/json")
        .putHeader("Webhook-Id", notification.id())
        .putHeader("Webhook-Timestamp", Long.toString(now))
        .putHeader(
            "Webhook-Signature", settings.signature().sign(notification.id(), now, body.getBytes()))
        .as(BodyCodec.none()) // however long the answer is
        .sendBuffer(body)
        .timeout(settings.timeout().toMillis(), TimeUnit.MILLISECONDS)
        .transform(
            done ->
                done.succeeded()
                    ? judged(done.result())
                    : Future.failedFuture(
                        unavailable(done.cause().getClass().getSimpleName(), Optional.empty())));
  }

  /** The same for every attempt, byte for byte. */
  private static JsonObject body(Notification notification) {
    JsonObject body =
        new JsonObject()
            .put("id", notification.id())
            .put("type", "order." + notification.status())
            .put("order_id", notification.orderId())
            .put("customer_id", notification.customerId())
            .put("status", notification.status());
    notification.reason().map(CancelReason::wireName).ifPresent(why -> body.put("reason", why));
    return body.put("occurred_at", notification.occurredAt().toString());
  }

  private Future<Void> judged(HttpResponse<Void> answer) {
    int status = answer.statusCode();
    if (status >= 200 && status < 300) {
      return Future.succeededFuture();
    }
    if (status >= 400 && status < 500 && !MAY_CHANGE.contains(status)) {
      return Future.failedFuture(
          new Refused("the webhook's receiver refused it for good: status " + status));
    }
    return Future.failedFuture(
        unavailable("status " + status, retryAfter(answer.getHeader("Retry-After"))));
  }

  /** Seconds, or the time of day; what is neither says nothing. */
  private Optional<Duration> retryAfter(String header) {
    if (header == null) {
      return Optional.empty();
    }
    long seconds;
    try {
      seconds = Long.parseLong(header.strip());
    } catch (NumberFormatException notSeconds) {
      try {
        Instant at = DateTimeFormatter.RFC_1123_DATE_TIME.parse(header.strip(), Instant::from);
        seconds = Duration.between(clock.instant(), at).toSeconds();
      } catch (DateTimeException neither) {
        return Optional.empty();
      }
    }
    return Optional.of(Duration.ofSeconds(Math.clamp(seconds, 0, MAX_RETRY_AFTER_SECONDS)));
  }

  private static Unavailable unavailable(String why, Optional<Duration> retryAfter) {
    return new Unavailable("the webhook's receiver did not take it: " + why, retryAfter, false);
  }
}
