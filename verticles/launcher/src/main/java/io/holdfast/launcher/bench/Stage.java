package io.holdfast.launcher.bench;

import io.holdfast.events.Envelope;
import io.holdfast.events.Event;
import io.holdfast.events.EventCodec;
import io.holdfast.events.EventType;
import io.holdfast.events.InventoryEvent.InventoryReserved;
import io.holdfast.events.Item;
import io.holdfast.events.NotificationEvent.NotificationSent;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.events.Origin;
import io.holdfast.events.PaymentEvent.PaymentProcessed;
import io.holdfast.events.Subjects;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * One of the five facts of an order's happy path as a message that needs only an id filled in: the
 * bytes are those that the services would store, headers included.
 *
 * @param type the fact
 * @param consumer the durable that the services consume it with; of the last one, which nobody
 *     consumes there, one of the chain's own
 * @param head the protocol line up to the lengths, in pieces between which the id stands
 * @param headers in pieces between which the id stands, up to the expected sequence
 * @param rest of the headers, behind the expected sequence, and the body, in pieces
 */
record Stage(
    EventType type,
    String consumer,
    List<byte[]> head,
    List<byte[]> headers,
    List<byte[]> rest,
    int headerBytes,
    int bodyBytes) {

  /** As long as a real one. */
  static final int ID_LENGTH = 29;

  private static final String ID = "ord_" + "x".repeat(ID_LENGTH - 4);
  private static final String TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final Instant NOW = Instant.parse("2026-11-27T08:15:30.123456Z");
  private static final Subjects SUBJECTS = new Subjects("");

  /** The happy path, in order. */
  static List<Stage> all() {
    List<Item> items = List.of(new Item("espresso-cup", 1, new BigDecimal("12.50")));
    BigDecimal amount = new BigDecimal("12.50");
    Origin origin = new Origin(123_456, NOW);
    return List.of(
        of(new OrderCreated(ID, "CUST-10042", amount, "EUR", items, null), "inventory-reserve"),
        of(
            new InventoryReserved(ID, "CUST-10042", amount, "EUR", items, null, origin),
            "payments-charge"),
        of(
            new PaymentProcessed(
                ID,
                "CUST-10042",
                amount,
                "EUR",
                "pi_3QxYzABCDEFGHIJKLMNOPQRS",
                items,
                null,
                origin),
            "orders-settle"),
        of(new OrderConfirmed(ID, "CUST-10042", amount, "EUR", items, null), "notifications-send"),
        of(new NotificationSent(ID, "CUST-10042", "order_confirmed", "log"), "bench-told"));
  }

  private static Stage of(Event event, String consumer) {
    Envelope<?> fact = Envelope.once(event, NOW, TRACE_ID);
    String body = new String(new EventCodec().encode(fact), StandardCharsets.UTF_8);
    String before =
        "NATS/1.0\r\nNats-Msg-Id: "
            + fact.id()
            + "\r\nNats-Expected-Last-Subject-Sequence-Subject: "
            + SUBJECTS.aggregate(event)
            + "\r\ntraceparent: 00-"
            + TRACE_ID
            + "-00f067aa0ba902b7-01\r\nNats-Expected-Last-Subject-Sequence: ";
    String after = "\r\n\r\n";
    return new Stage(
        fact.type(),
        consumer,
        pieces("HPUB " + SUBJECTS.fact(event) + " "),
        pieces(before),
        pieces(after + body + "\r\n"),
        before.length() + after.length(),
        body.length());
  }

  private static List<byte[]> pieces(String text) {
    List<byte[]> pieces = new ArrayList<>();
    for (String piece : text.split(ID, -1)) {
      pieces.add(piece.getBytes(StandardCharsets.UTF_8));
    }
    return pieces;
  }

  String stream() {
    return type.domain().stream();
  }

  String filter() {
    return SUBJECTS.every(type);
  }

  /**
   * Publishes it.
   *
   * @param id in ASCII, {@link #ID_LENGTH} of them
   * @param replyTo where the broker's acknowledgement goes, without its last token, a number
   */
  void publish(NatsWire wire, byte[] id, byte[] replyTo, long token, long expectedSequence) {
    int headerLength = headerBytes + NatsWire.digits(expectedSequence);
    fill(wire, head, id);
    wire.write(replyTo);
    wire.writeNumber(token);
    wire.write((byte) ' ');
    wire.writeNumber(headerLength);
    wire.write((byte) ' ');
    wire.writeNumber(headerLength + bodyBytes);
    wire.write((byte) '\r');
    wire.write((byte) '\n');
    fill(wire, headers, id);
    wire.writeNumber(expectedSequence);
    fill(wire, rest, id);
  }

  private static void fill(NatsWire wire, List<byte[]> pieces, byte[] id) {
    for (int i = 0; i < pieces.size(); i++) {
      if (i > 0) {
        wire.write(id);
      }
      wire.write(pieces.get(i));
    }
  }
}
