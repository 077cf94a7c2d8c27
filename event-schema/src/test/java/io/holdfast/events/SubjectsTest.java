package io.holdfast.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.events.DeadLetterResolved.Resolution;
import io.holdfast.events.Golden.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Goal: subjects are what the contract says, and none of ours is taken for another's. */
class SubjectsTest {

  private final Subjects plain = new Subjects("");
  private final Subjects shop = new Subjects("shop-1");

  @ParameterizedTest
  @CsvSource({
    "ORDER_CREATED, ORDERS, orders.created.x",
    "ORDER_CONFIRMED, ORDERS, orders.confirmed.x",
    "ORDER_CANCELLED, ORDERS, orders.cancelled.x",
    "STOCK_RECEIVED, INVENTORY, receipts.received.x",
    "STOCK_LEVEL_CHANGED, INVENTORY, stock.level.x",
    "INVENTORY_RESERVED, INVENTORY, inventory.reserved.x",
    "INVENTORY_REJECTED, INVENTORY, inventory.rejected.x",
    "INVENTORY_RELEASED, INVENTORY, inventory.released.x",
    "PAYMENT_PROCESSED, PAYMENTS, payments.processed.x",
    "PAYMENT_FAILED, PAYMENTS, payments.failed.x",
    "PAYMENT_VOIDED, PAYMENTS, payments.voided.x",
    "PAYMENT_REFUNDED, PAYMENTS, payments.refunded.x",
    "NOTIFICATION_SENT, NOTIFICATIONS, notifications.sent.x",
    "DEAD_LETTER_RESOLVED, DEADLETTERS, deadletters.operator.resolved.x",
  })
  void every_type_has_its_subject_and_every_subject_its_type(
      EventType type, String stream, String subject) {
    assertThat(plain.fact(type, "x")).isEqualTo(subject);
    assertThat(shop.fact(type, "x")).isEqualTo("shop-1." + subject);
    assertThat(plain.stream(type.domain())).isEqualTo(stream);
    assertThat(shop.stream(type.domain())).isEqualTo("shop-1_" + stream);
    assertThat(plain.typeOf(subject)).contains(type);
    assertThat(shop.typeOf("shop-1." + subject)).contains(type);
    assertThat(Subjects.lastToken(subject)).isEqualTo("x");
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "MESSAGE_DEAD_LETTERED")
  void the_filter_of_a_type_meets_its_facts_and_no_others(EventType type) {
    for (Subjects subjects : List.of(plain, shop)) {
      for (EventType other : EventType.values()) {
        if (other != EventType.MESSAGE_DEAD_LETTERED) {
          assertThat(matches(subjects.every(type), subjects.fact(other, "x")))
              .isEqualTo(other == type);
        }
      }
    }
  }

  static Stream<Sample> facts() {
    return Golden.samples().stream()
        .filter(sample -> sample.envelope().type() != EventType.MESSAGE_DEAD_LETTERED);
  }

  @ParameterizedTest
  @MethodSource("facts")
  void a_fact_is_found_by_the_filter_of_its_aggregate(Sample sample) {
    Event fact = sample.envelope().event();
    for (Subjects subjects : List.of(plain, shop)) {
      String subject = subjects.fact(fact);
      Domain domain = EventType.of(fact).domain();

      assertThat(Subjects.lastToken(subject)).isEqualTo(fact.aggregateId());
      assertThat(matches(subjects.aggregate(fact), subject)).isTrue();
      assertThat(matches(subjects.aggregate(domain, "other"), subject)).isFalse();
      assertThat(subjects.typeOf(subject)).contains(EventType.of(fact));
    }
  }

  @Test
  void the_guards_filter_spans_all_facts_of_an_aggregate() {
    assertThat(plain.aggregate(Domain.ORDERS, "ord_1")).isEqualTo("orders.*.ord_1");
    assertThat(shop.aggregate(Domain.STOCK, "cup")).isEqualTo("shop-1.stock.*.cup");
    assertThat(plain.every(EventType.ORDER_CREATED)).isEqualTo("orders.created.*");
    assertThat(shop.every(EventType.ORDER_CREATED)).isEqualTo("shop-1.orders.created.*");
  }

  @Test
  void what_became_of_a_dead_letter_stands_under_its_sequence_alone() {
    var resolved =
        new DeadLetterResolved(
            17, Resolution.DISCARDED, "inventory-reserve", "orders.created.ord_1", null, null);

    assertThat(plain.fact(resolved)).isEqualTo("deadletters.operator.resolved.17");
    assertThat(plain.aggregate(resolved)).isEqualTo("deadletters.operator.resolved.17");
    assertThat(shop.aggregate(resolved)).isEqualTo("shop-1.deadletters.operator.resolved.17");
    assertThat(plain.typeOf("deadletters.operator.resolved.17"))
        .contains(EventType.DEAD_LETTER_RESOLVED);
    assertThat(plain.typeOf("deadletters.operator.resolved.1.7"))
        .contains(EventType.MESSAGE_DEAD_LETTERED);
    assertThat(plain.typeOf("deadletters.inventory.resolved.17"))
        .contains(EventType.MESSAGE_DEAD_LETTERED);
    assertThatThrownBy(
            () ->
                new DeadLetterResolved(
                    0, Resolution.DISCARDED, "inventory-reserve", "s", null, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("dead_letter");
  }

  @Test
  void a_redriven_message_is_addressed_to_one_consumer_and_quotes_the_subject_it_was() {
    assertThat(plain.redrive("inventory", "inventory-reserve", "orders.created.ord_1"))
        .isEqualTo("redrives.inventory.inventory-reserve.orders.created.ord_1");
    assertThat(shop.redrive("inventory", "inventory-reserve", "shop-1.orders.created.ord_1"))
        .isEqualTo("shop-1.redrives.inventory.inventory-reserve.orders.created.ord_1");
    assertThat(shop.withoutNamespace("orders.created.ord_1")).isEqualTo("orders.created.ord_1");
  }

  @Test
  void a_dead_letter_quotes_the_subject_it_was_without_its_namespace() {
    assertThat(plain.deadLetter("inventory", "orders.created.b\u00f6 \u0001*{}"))
        .isEqualTo("deadletters.inventory.orders.created.b???*{}");
    assertThat(plain.deadLetter("inventory", "orders.*.>"))
        .isEqualTo("deadletters.inventory.orders.?.?");
    assertThat(plain.deadLetter("inventory", "x".repeat(999) + "." + "x".repeat(3_000)))
        .isEqualTo("deadletters.inventory." + "x".repeat(999));
    assertThat(plain.deadLetter("inventory", "orders.created.ord_1"))
        .isEqualTo("deadletters.inventory.orders.created.ord_1");
    assertThat(shop.deadLetter("inventory", "shop-1.orders.created.ord_1"))
        .isEqualTo("shop-1.deadletters.inventory.orders.created.ord_1");
    assertThat(plain.every(EventType.MESSAGE_DEAD_LETTERED)).isEqualTo("deadletters.>");
    assertThat(shop.every(EventType.MESSAGE_DEAD_LETTERED)).isEqualTo("shop-1.deadletters.>");
    assertThat(shop.typeOf("shop-1.deadletters.inventory.orders.created.ord_1"))
        .contains(EventType.MESSAGE_DEAD_LETTERED);
    assertThatThrownBy(() -> plain.fact(EventType.MESSAGE_DEAD_LETTERED, "ord_1"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "..",
        "orders",
        "orders.created",
        "orders.created.",
        "orders..x",
        ".created.x",
        "orders.created.x.y",
        "orders.created.*",
        "orders.*.x",
        "orders.>",
        "orders.created.a b",
        "orders.created.ä",
        "Orders.created.x",
        "orders.Created.x",
        "orders.shipped.x",
        "order.created.x",
        "payments.created.x",
        "shop-1.orders.created.x",
        "audit.block",
        "deadletters",
        "deadletters..x",
        "deadletters.inventory",
        "redrives.inventory.x"
      })
  void a_strangers_subject_promises_nothing(String subject) {
    assertThat(plain.typeOf(subject)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "orders.created.x",
        "shop-2.orders.created.x",
        "shop-11.orders.created.x",
        "shop-1orders.created.x",
        "shop-1",
        "shop-1.",
        "SHOP-1.orders.created.x"
      })
  void another_namespace_is_a_stranger(String subject) {
    assertThat(shop.typeOf(subject)).isEmpty();
  }

  @Test
  void no_two_types_share_a_subject_and_no_domain_two_streams() {
    List<String> subjects = new ArrayList<>();
    Map<String, String> streams = new HashMap<>();
    for (EventType type : EventType.values()) {
      subjects.add(plain.every(type));
      assertThat(streams.put(type.domain().token(), type.domain().stream()))
          .isIn(null, type.domain().stream());
    }
    assertThat(subjects).doesNotHaveDuplicates();
    assertThat(streams.keySet())
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(Domain.values()).map(Domain::token).toList());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "x", "shop-1", "0123456789abcdef0123456789abcdef", "-", "order", "orders-2"})
  void a_namespace_may_be_lower_case_letters_digits_and_hyphens(String namespace) {
    Subjects subjects = new Subjects(namespace);

    assertThat(subjects.namespace()).isEqualTo(namespace);
    String dot = namespace.isEmpty() ? "" : namespace + ".";
    assertThat(subjects.subject("audit.block")).isEqualTo(dot + "audit.block");
    String underscore = namespace.isEmpty() ? "" : namespace + "_";
    assertThat(subjects.stream("AUDIT")).isEqualTo(underscore + "AUDIT");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"X", "a.b", "a_b", "*", ">", " ", "x\n", "ä", "0123456789abcdef0123456789abcdef0"})
  void nothing_else_may_be_a_namespace(String namespace) {
    assertThat(Subjects.wrongWithNamespace(namespace))
        .contains("must be at most 32 lower-case letters, digits or '-'");
    assertThatThrownBy(() -> new Subjects(namespace)).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @EnumSource
  void a_domain_may_not_be_a_namespace(Domain domain) {
    assertThat(Subjects.wrongWithNamespace(domain.token())).isPresent();
    assertThatThrownBy(() -> new Subjects(domain.token()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be none of audit, deadletters,");
  }

  /** As the broker matches: '*' is one token, '>' is one or more at the end. */
  private static boolean matches(String filter, String subject) {
    String[] wanted = filter.split("\\.", -1);
    String[] tokens = subject.split("\\.", -1);
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i].equals(">")) {
        return tokens.length > i;
      }
      if (i >= tokens.length || !(wanted[i].equals("*") || wanted[i].equals(tokens[i]))) {
        return false;
      }
    }
    return wanted.length == tokens.length;
  }
}
