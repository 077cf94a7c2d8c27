package io.holdfast.system.poison;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.InventoryEvent.InventoryRejected;
import io.holdfast.events.InventoryEvent.InventoryReleased;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Item;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.PaymentEvent.PaymentFailed;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.PaymentEvent.PaymentRefunded;
import io.holdfast.events.PaymentEvent.PaymentVoided;
import io.holdfast.events.StockEvent.StockLevelChanged;
import io.holdfast.events.StockEvent.StockReceived;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/** Everything that is no fact of ours and may stand where one should. */
final class Forms {

  /** What a domain's stream takes at most, headers included. */
  static final int LARGEST = 256 * 1024;

  private static final EventCodec CODEC = new EventCodec();
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final BigDecimal TEN = new BigDecimal("10.00");
  private static final List<Item> ITEMS = List.of(new Item("cup", 1, TEN));

  /**
   * One way to be wrong.
   *
   * @param reason the word that a dead letter must give for it
   * @param bytes of the message on the subject of this type and id; null where it does not apply
   */
  record Form(String name, String reason, BiFunction<EventType, String, byte[]> bytes) {}

  private Forms() {}

  static final List<Form> ALL =
      List.of(
          text("text", "undecodable", sound -> "hello"),
          text("empty", "undecodable", sound -> ""),
          text("null", "undecodable", sound -> "null"),
          text("an array", "undecodable", sound -> "[" + sound + "]"),
          text("no envelope", "undecodable", sound -> "{\"hello\":\"world\"}"),
          text("half", "undecodable", sound -> sound.substring(0, sound.length() / 2)),
          text("two in one", "undecodable", sound -> sound + sound),
          text("a line too many", "undecodable", sound -> sound + "\n{\"stream\":\"ORDERS\"}"),
          change("unknown type", "unknown_type", "\"type\":\"", "\"type\":\"Teleported"),
          change("later version", "unsupported_version", "\"version\":1", "\"version\":2"),
          change("no version", "undecodable", ",\"version\":1", ""),
          change("version in words", "undecodable", "\"version\":1", "\"version\":\"1\""),
          new Form("another aggregate", "invalid", (type, id) -> sound(type, id + "x")),
          new Form("another type", "invalid", (type, id) -> sound(other(type), id)),
          change("two aggregates", "invalid", "\"aggregate_id\":\"", "\"aggregate_id\":\"x"),
          change("forbidden id", "invalid", "\"id\":\"", "\"id\":\"*.> "),
          change("a trace that is none", "invalid", TRACE, "../../etc/passwd"),
          change("nested deeply", "undecodable", "\"data\":{", "\"data\":{\"x\":" + nested(5_000)),
          text("nested without end", "undecodable", sound -> "{\"data\":" + "[".repeat(200_000)),
          text(
              "nested objects",
              "undecodable",
              sound -> "{\"a\":".repeat(20_000) + "1" + "}".repeat(20_000)),
          change("a key twice", "undecodable", "{\"id\"", "{\"version\":1,\"id\""),
          change("a key of data twice", "undecodable", "\"data\":{", "\"data\":{\"a\":1,\"a\":2,"),
          change("1e400", "invalid", "\"amount\":10.00", "\"amount\":1e400"),
          change("1e999999999", "invalid", "\"amount\":10.00", "\"amount\":1e999999999"),
          change("1e-999999999", "invalid", "\"amount\":10.00", "\"amount\":1e-999999999"),
          change("not a number", "undecodable", "\"amount\":10.00", "\"amount\":NaN"),
          change("amount in words", "invalid", "\"amount\":10.00", "\"amount\":\"10\""),
          change("negative", "invalid", "\"amount\":10.00", "\"amount\":-10"),
          change("too many", "invalid", "\"quantity\":1", "\"quantity\":99999999999999999999"),
          change("a fraction", "invalid", "\"quantity\":1", "\"quantity\":1.5"),
          change("none at all", "invalid", "\"quantity\":1", "\"quantity\":0"),
          new Form("wrong UTF-8", "undecodable", (type, id) -> notUtf8(sound(type, id))),
          new Form(
              "UTF-16",
              "undecodable",
              (type, id) -> string(sound(type, id)).getBytes(StandardCharsets.UTF_16)));

  /** As large as the stream takes it, and larger still where a dead letter quotes it. */
  static final List<Form> HUGE =
      List.of(
          new Form("huge text", "undecodable", (type, id) -> filled("", "x")),
          new Form("huge, all to be escaped", "undecodable", (type, id) -> filled("{", "\"")),
          new Form("huge, of two bytes each", "undecodable", (type, id) -> filled("{", "\u00e9")),
          new Form(
              "huge, of four bytes each", "undecodable", (type, id) -> filled("{", "\ud83d\udca3")),
          new Form(
              "huge JSON",
              "unknown_type",
              (type, id) ->
                  filled(
                      string(sound(type, id)).replace("\"type\":\"", "\"type\":\"Teleported"),
                      " ")));

  /** The bytes, one for each character, that may stand where a message's headers should. */
  static final List<String> HEADERS_THAT_ARE_NONE =
      List.of(
          "NATS/1.0\r\nName: M\u00c3\u00b6ller\r\n\r\n",
          "NATS/1.0\r\nno colon\r\n\r\n",
          "NATS/1.0\r\nA: b\r\n\r\nNats-Sequence: 1\r\n\r\n",
          "NATS/1.0 204 EOB\r\nA: b\r\n\r\n",
          "NATS/1.0",
          "\u0000");

  /** A fact of this type, as it should be. */
  static byte[] sound(EventType type, String id) {
    return CODEC.encode(Envelope.once(event(type, id), Instant.now(), TRACE));
  }

  private static Event event(EventType type, String id) {
    return switch (type) {
      case ORDER_CREATED -> new OrderCreated(id, "c1", TEN, "EUR", ITEMS, null);
      case ORDER_CONFIRMED -> new OrderConfirmed(id, "c1", TEN, "EUR", ITEMS, null);
      case ORDER_CANCELLED -> new OrderCancelled(id, "c1", CancelReason.OUT_OF_STOCK, null);
      case STOCK_RECEIVED -> new StockReceived("cup", 1, id);
      case STOCK_LEVEL_CHANGED -> new StockLevelChanged(id, 1, 1, 0);
      case INVENTORY_RESERVED -> new InventoryReserved(id, "c1", TEN, "EUR", ITEMS, null, null);
      case INVENTORY_REJECTED -> new InventoryRejected(id, "c1", "none", List.of(), null);
      case INVENTORY_RELEASED -> new InventoryReleased(id, ITEMS);
      case PAYMENT_PROCESSED ->
          new PaymentProcessed(id, "c1", TEN, "EUR", "pi_1", ITEMS, null, null);
      case PAYMENT_FAILED -> new PaymentFailed(id, "c1", "declined", "No", null);
      case PAYMENT_VOIDED -> new PaymentVoided(id);
      case PAYMENT_REFUNDED -> new PaymentRefunded(id, "pi_1", "re_1", TEN, "EUR");
      case NOTIFICATION_SENT -> new NotificationSent(id, "c1", "confirmed", "log");
      case MESSAGE_DEAD_LETTERED, DEAD_LETTER_RESOLVED ->
          throw new IllegalArgumentException("no fact of a domain: " + type);
    };
  }

  private static EventType other(EventType type) {
    return type == EventType.PAYMENT_VOIDED ? EventType.ORDER_CANCELLED : EventType.PAYMENT_VOIDED;
  }

  private static Form text(String name, String reason, UnaryOperator<String> change) {
    return new Form(
        name,
        reason,
        (type, id) -> {
          String changed = change.apply(string(sound(type, id)));
          return changed == null ? null : changed.getBytes(StandardCharsets.UTF_8);
        });
  }

  /** Applies to facts that have such a part. */
  private static Form change(String name, String reason, String part, String instead) {
    return text(
        name,
        reason,
        sound -> {
          int at = sound.indexOf(part);
          return at < 0
              ? null
              : sound.substring(0, at) + instead + sound.substring(at + part.length());
        });
  }

  private static String nested(int depth) {
    return "[".repeat(depth) + "]".repeat(depth) + ",";
  }

  /** In the middle of a string, where a parser that checks little lets it pass. */
  private static byte[] notUtf8(byte[] sound) {
    String text = string(sound);
    int at = text.indexOf(TRACE);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(text.substring(0, at).getBytes(StandardCharsets.UTF_8));
    bytes.writeBytes(new byte[] {(byte) 0xc3, '(', (byte) 0xed, (byte) 0xa0, (byte) 0x80});
    bytes.writeBytes(text.substring(at).getBytes(StandardCharsets.UTF_8));
    return bytes.toByteArray();
  }

  private static byte[] filled(String begin, String filling) {
    int times = (LARGEST - begin.length()) / filling.getBytes(StandardCharsets.UTF_8).length;
    return (begin + filling.repeat(times)).getBytes(StandardCharsets.UTF_8);
  }

  static String string(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** What a message may claim by headers, and nobody may believe. */
  static Map<String, String> forgedHeaders(String namespace, String liveOrder) {
    return Map.of(
        "Nats-Stream", namespace + "_PAYMENTS",
        "Nats-Sequence", "1",
        "Nats-Subject", namespace + ".payments.processed." + liveOrder,
        "Nats-Time-Stamp", "yesterday",
        "Redrive-Dead-Letter", "no number",
        "Redrive-Stream", namespace + "_ORDERS",
        "Redrive-Sequence", "-1",
        "traceparent", "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff-extra",
        "Audit-Hash", "0000");
  }
}
