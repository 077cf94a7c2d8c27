package io.holdfast.system.failpoints;

import static io.holdfast.system.failpoints.FailPoint.When.ANSWERED;
import static io.holdfast.system.failpoints.FailPoint.When.LEAVES;
import static io.holdfast.system.failpoints.FailPoint.When.LEFT;

import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/**
 * The worst instants to die. A service has effects only through what it sends, so between two
 * messages one instant is like another; these are the ones that differ.
 */
enum FailPoint {
  ORDER_NOT_SENT_YET(
      "orders", LEAVES, sent -> sent.isFact("orders.created"), "OrderCreated has not left yet"),
  ORDER_STORED(
      "orders",
      ANSWERED,
      sent -> sent.isFact("orders.created"),
      "OrderCreated is stored, its answer is not there, and the customer has no 202"),
  CONFIRMATION_NOT_SENT_YET(
      "orders", LEAVES, sent -> sent.isFact("orders.confirmed"), "OrderConfirmed has not left yet"),
  CONFIRMATION_STORED(
      "orders",
      ANSWERED,
      sent -> sent.isFact("orders.confirmed"),
      "OrderConfirmed is stored, its answer is not there"),
  CONFIRMATION_NOT_ACKNOWLEDGED(
      "orders",
      LEAVES,
      sent -> sent.isAck("orders-settle", Kind.HAPPY),
      "OrderConfirmed is stored, what caused it is not acknowledged"),
  PAYMENT_JUST_ACKNOWLEDGED(
      "orders",
      LEFT,
      sent -> sent.isAck("orders-settle", Kind.HAPPY),
      "PaymentProcessed has just been acknowledged"),
  DECLINE_SETTLED(
      "orders",
      ANSWERED,
      sent -> sent.isFact("orders.cancelled", Kind.DECLINED),
      "OrderCancelled after a decline is stored, its answer is not there"),
  CUSTOMER_CANCELLED(
      "orders",
      ANSWERED,
      sent -> sent.isFact("orders.cancelled", Kind.RACED),
      "OrderCancelled on request is stored, and the customer has no 202"),

  HOLD_NOT_SENT(
      "inventory",
      LEAVES,
      sent -> sent.isAlone("stock.level"),
      "the level that holds something for a lone order has not left"),
  HOLD_STORED(
      "inventory",
      ANSWERED,
      sent -> sent.isAlone("stock.level"),
      "that level is stored, its answer is not there"),
  HELD_AND_NOT_RESERVED(
      "inventory",
      LEAVES,
      sent -> sent.isAlone("inventory.reserved"),
      "the level holds something for an order whose reservation has not left"),
  HELD_AND_RESERVED(
      "inventory",
      ANSWERED,
      sent -> sent.isAlone("inventory.reserved"),
      "that order's reservation is stored, its answer is not there"),
  RESERVATION_CUT(
      "inventory",
      LEAVES,
      sent -> sent.continues("inventory.reserved"),
      "the first message of a reservation's batch has left, the second has not"),
  RESERVATION_NOT_COMMITTED(
      "inventory",
      LEAVES,
      sent -> sent.commits("inventory.reserved"),
      "all of a reservation's batch has left but its commit"),
  RESERVATION_STORED(
      "inventory",
      ANSWERED,
      sent -> sent.commits("inventory.reserved"),
      "a reservation's batch is stored, its answer is not there"),
  RESERVATION_NOT_ACKNOWLEDGED(
      "inventory",
      LEAVES,
      sent -> sent.isAck("inventory-reserve", Kind.HAPPY),
      "a reservation is stored, OrderCreated is not acknowledged"),
  ORDER_JUST_ACKNOWLEDGED(
      "inventory",
      LEFT,
      sent -> sent.isAck("inventory-reserve", Kind.HAPPY),
      "OrderCreated has just been acknowledged"),
  REJECTION_STORED(
      "inventory",
      ANSWERED,
      sent -> sent.isFact("inventory.rejected") || sent.commits("inventory.rejected"),
      "InventoryRejected is stored, its answer is not there"),
  RELEASE_NOT_COMMITTED(
      "inventory",
      LEAVES,
      sent -> sent.commits("inventory.released"),
      "all of a release's batch has left but its commit"),
  RELEASE_STORED(
      "inventory",
      ANSWERED,
      sent -> sent.commits("inventory.released"),
      "a release's batch is stored, its answer is not there"),
  RELEASE_NOT_ACKNOWLEDGED(
      "inventory",
      LEAVES,
      sent -> sent.isAck("inventory-release", Kind.DECLINED),
      "a release is stored, OrderCancelled is not acknowledged"),
  RECEIPT_STORED(
      "inventory",
      ANSWERED,
      sent -> sent.commits("receipts.received"),
      "a receipt of goods is stored, and who brought them has no 201"),
  DEAD_LETTER_NOT_SENT_YET(
      "inventory",
      LEAVES,
      sent -> sent.isFact("deadletters.inventory"),
      "a message that nobody can read is given up, its dead letter has not left yet"),
  DEAD_LETTER_STORED(
      "inventory",
      ANSWERED,
      sent -> sent.isFact("deadletters.inventory"),
      "the dead letter is stored, its answer is not there"),
  DEAD_MESSAGE_NOT_TERMINATED(
      "inventory",
      LEAVES,
      sent -> sent.isTerm("inventory-reserve"),
      "the dead letter is stored, its message is not terminated"),

  CHARGE_NOT_SENT_YET("payments", LEAVES, Sent::isCharge, "the charge has not left yet"),
  CHARGED("payments", ANSWERED, Sent::isCharge, "the gateway has charged, its answer is not there"),
  DECLINED(
      "payments",
      ANSWERED,
      "402",
      Sent::isCharge,
      "the gateway has declined, its answer is not there"),
  PAYMENT_NOT_SENT_YET(
      "payments",
      LEAVES,
      sent -> sent.isFact("payments.processed"),
      "charged, PaymentProcessed has not left yet"),
  PAYMENT_STORED(
      "payments",
      ANSWERED,
      sent -> sent.isFact("payments.processed"),
      "PaymentProcessed is stored, its answer is not there"),
  PAYMENT_NOT_ACKNOWLEDGED(
      "payments",
      LEAVES,
      sent -> sent.isAck("payments-charge", Kind.HAPPY),
      "PaymentProcessed is stored, InventoryReserved is not acknowledged"),
  RESERVATION_JUST_ACKNOWLEDGED(
      "payments",
      LEFT,
      sent -> sent.isAck("payments-charge", Kind.HAPPY),
      "InventoryReserved has just been acknowledged"),
  DECLINE_STORED(
      "payments",
      ANSWERED,
      sent -> sent.isFact("payments.failed"),
      "PaymentFailed is stored, its answer is not there"),
  VOIDED_WHILE_CHARGED(
      "payments",
      ANSWERED,
      sent -> sent.isFact("payments.voided", Kind.RACED),
      "charged, and before that was known, PaymentVoided is stored, neither answer is there"),
  REVERSAL_NOT_SENT_YET(
      "payments",
      LEAVES,
      sent -> sent.isRefund(Kind.RACED),
      "charged and voided, the refund has not left yet"),
  REVERSED(
      "payments",
      ANSWERED,
      sent -> sent.isRefund(Kind.RACED),
      "charged and voided, the refund is made, its answer is not there"),
  REVERSAL_NOT_STORED_YET(
      "payments",
      LEAVES,
      sent -> sent.isFact("payments.refunded", Kind.RACED),
      "charged, voided and refunded, PaymentRefunded has not left yet"),
  REFUND_NOT_SENT_YET(
      "payments",
      LEAVES,
      sent -> sent.isRefund(Kind.LATE),
      "a paid order is cancelled, the refund has not left yet"),
  REFUNDED(
      "payments",
      ANSWERED,
      sent -> sent.isRefund(Kind.LATE),
      "a paid order's refund is made, its answer is not there"),
  REFUND_STORED(
      "payments",
      ANSWERED,
      sent -> sent.isFact("payments.refunded", Kind.LATE),
      "PaymentRefunded is stored, its answer is not there"),
  REFUND_NOT_ACKNOWLEDGED(
      "payments",
      LEAVES,
      sent -> sent.isAck("payments-compensate", Kind.LATE),
      "PaymentRefunded is stored, OrderCancelled is not acknowledged"),

  NOTIFICATION_NOT_SENT_YET(
      "notifications",
      LEAVES,
      sent -> sent.isFact("notifications.sent"),
      "the customer is told, NotificationSent has not left yet"),
  NOTIFICATION_STORED(
      "notifications",
      ANSWERED,
      sent -> sent.isFact("notifications.sent"),
      "NotificationSent is stored, its answer is not there"),
  NOTIFICATION_NOT_ACKNOWLEDGED(
      "notifications",
      LEAVES,
      sent -> sent.isAck("notifications-send"),
      "NotificationSent is stored, the order's end is not acknowledged"),

  BLOCK_NOT_SENT_YET(
      "audit",
      LEAVES,
      sent -> sent.name().equals("audit.block"),
      "a block is sealed, it has not left yet"),
  BLOCK_STORED(
      "audit",
      ANSWERED,
      sent -> sent.name().equals("audit.block"),
      "a block is stored, its answer is not there");

  /** Where the message is, when its sender dies. */
  enum When {
    /** On its way to whom it is for, who never sees it. */
    LEAVES,
    /** There. */
    LEFT,
    /** There and answered; the answer is not delivered. */
    ANSWERED
  }

  /** What a broker's answer comes to when it has stored a message. */
  static final String STORED = "stored";

  private final String service;
  private final When when;
  private final String answer;

  @SuppressWarnings("ImmutableEnumChecker") // none of these lambdas has a state
  private final Predicate<Sent> message;

  private final String sentence;

  FailPoint(String service, When when, Predicate<Sent> message, String sentence) {
    this(service, when, "", message, sentence);
  }

  /**
   * @param answer the one that counts; empty for any that means success
   */
  FailPoint(String service, When when, String answer, Predicate<Sent> message, String sentence) {
    this.service = service;
    this.when = when;
    this.answer = answer;
    this.message = message;
    this.sentence = sentence;
  }

  static List<FailPoint> of(String service) {
    return Arrays.stream(values()).filter(point -> point.service.equals(service)).toList();
  }

  String service() {
    return service;
  }

  String sentence() {
    return sentence;
  }

  boolean isMet(When now, Sent sent) {
    return when == now && message.test(sent);
  }

  boolean isMetByAnswer(Sent sent, String given) {
    boolean counts =
        answer.isEmpty() ? given.equals(STORED) || given.equals("200") : given.equals(answer);
    return counts && isMet(When.ANSWERED, sent);
  }
}
