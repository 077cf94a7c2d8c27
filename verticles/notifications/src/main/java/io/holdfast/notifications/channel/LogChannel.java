package io.holdfast.notifications.channel;

import io.holdfast.notifications.Channel;
import io.holdfast.notifications.Notification;
import io.vertx.core.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes the notification to the log: the channel for whoever has not set up another. */
public final class LogChannel implements Channel {

  public static final String NAME = "log";

  private static final Logger log = LoggerFactory.getLogger(LogChannel.class);

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Future<Void> send(Notification notification, String address) {
    log.atInfo()
        .addKeyValue("order_id", notification.orderId())
        .addKeyValue("trace_id", notification.traceId())
        .addKeyValue("channel", NAME)
        .addKeyValue("template", notification.template())
        .addKeyValue("text", notification.text())
        .log("Customer notified");
    return Future.succeededFuture();
  }
}
