package io.holdfast.launcher.why;

import static io.holdfast.events.EventType.INVENTORY_REJECTED;
import static io.holdfast.events.EventType.INVENTORY_RELEASED;
import static io.holdfast.events.EventType.INVENTORY_RESERVED;
import static io.holdfast.events.EventType.NOTIFICATION_SENT;
import static io.holdfast.events.EventType.ORDER_CANCELLED;
import static io.holdfast.events.EventType.ORDER_CONFIRMED;
import static io.holdfast.events.EventType.ORDER_CREATED;
import static io.holdfast.events.EventType.PAYMENT_FAILED;
import static io.holdfast.events.EventType.PAYMENT_PROCESSED;
import static io.holdfast.events.EventType.PAYMENT_REFUNDED;
import static io.holdfast.events.EventType.PAYMENT_VOIDED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.events.DeadLetterResolved;
import io.holdfast.events.DeadLetterResolved.Resolution;
import io.holdfast.events.EventType;
import io.holdfast.events.MessageDeadLettered;
import io.holdfast.runtime.jetstream.DeadLetter;
import io.holdfast.runtime.jetstream.DeadLetter.Resolved;
import io.holdfast.runtime.jetstream.StreamCatalog;
import io.holdfast.runtime.jetstream.StreamCatalog.ConsumerSpec;
import io.holdfast.runtime.jetstream.StreamReader.ConsumerState;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Goal: {@code why} names who holds an order, at every step of every path. */
class ReactionTest {

  static Stream<Arguments> stories() {
    return Stream.of(
        arguments(List.of(ORDER_CREATED), List.of("inventory-reserve")),
        arguments(List.of(ORDER_CREATED, INVENTORY_RESERVED), List.of("payments-charge")),
        arguments(
            List.of(ORDER_CREATED, INVENTORY_RESERVED, PAYMENT_PROCESSED),
            List.of("orders-settle")),
        arguments(
            List.of(ORDER_CREATED, INVENTORY_RESERVED, PAYMENT_PROCESSED, ORDER_CONFIRMED),
            List.of("notifications-send")),
        arguments(
            List.of(
                ORDER_CREATED,
                INVENTORY_RESERVED,
                PAYMENT_PROCESSED,
                ORDER_CONFIRMED,
                NOTIFICATION_SENT),
            List.of()),
        arguments(List.of(ORDER_CREATED, INVENTORY_REJECTED), List.of("orders-reject")),
        arguments(
            List.of(ORDER_CREATED, INVENTORY_REJECTED, ORDER_CANCELLED),
            List.of("payments-compensate", "notifications-send")),
        arguments(
            List.of(
                ORDER_CREATED,
                INVENTORY_REJECTED,
                ORDER_CANCELLED,
                PAYMENT_VOIDED,
                NOTIFICATION_SENT),
            List.of()),
        arguments(
            List.of(ORDER_CREATED, INVENTORY_RESERVED, PAYMENT_FAILED), List.of("orders-settle")),
        arguments(
            List.of(ORDER_CREATED, INVENTORY_RESERVED, PAYMENT_FAILED, ORDER_CANCELLED),
            List.of("inventory-release", "notifications-send")),
        arguments(
            List.of(ORDER_CREATED, INVENTORY_RESERVED, PAYMENT_PROCESSED, ORDER_CANCELLED),
            List.of("inventory-release", "payments-compensate", "notifications-send")),
        arguments(
            List.of(
                ORDER_CREATED,
                INVENTORY_RESERVED,
                PAYMENT_PROCESSED,
                ORDER_CANCELLED,
                INVENTORY_RELEASED,
                PAYMENT_REFUNDED,
                NOTIFICATION_SENT),
            List.of()),
        // Cancelled before anything happened: the tombstones are the effects.
        arguments(
            List.of(ORDER_CREATED, ORDER_CANCELLED),
            List.of(
                "inventory-reserve",
                "inventory-release",
                "payments-compensate",
                "notifications-send")),
        arguments(
            List.of(
                ORDER_CREATED,
                ORDER_CANCELLED,
                INVENTORY_RELEASED,
                PAYMENT_VOIDED,
                NOTIFICATION_SENT),
            List.of()));
  }

  @ParameterizedTest
  @MethodSource("stories")
  void what_is_still_to_come_is_known_at_every_step(List<EventType> facts, List<String> holders) {
    assertThat(Reaction.open(Set.copyOf(facts)))
        .extracting(Reaction::consumer)
        .containsExactlyInAnyOrderElementsOf(holders);
  }

  @Test
  void the_table_is_about_every_consumer_and_each_fact_that_it_gets() {
    for (ConsumerSpec consumer : StreamCatalog.CONSUMERS) {
      Set<EventType> causes =
          Reaction.SAGA.stream()
              .filter(reaction -> reaction.consumer().equals(consumer.name()))
              .map(Reaction::cause)
              .collect(Collectors.toSet());

      assertThat(causes).as(consumer.name()).isEqualTo(Set.copyOf(consumer.types()));
    }
  }

  @Test
  void a_message_is_where_the_consumer_s_positions_say() {
    ConsumerState consumer = new ConsumerState(3, 2, 0, 10, 15);

    assertThat(Holder.of(16, consumer)).isEqualTo(Holder.WAITS_FOR_DELIVERY);
    assertThat(Holder.of(15, consumer)).isEqualTo(Holder.IN_HAND);
    assertThat(Holder.of(11, consumer)).isEqualTo(Holder.IN_HAND);
    assertThat(Holder.of(10, consumer)).isEqualTo(Holder.SETTLED_WITHOUT_EFFECT);
  }

  @Test
  void a_message_that_was_given_up_is_where_its_dead_letter_and_its_redrive_say() {
    ConsumerState idle = new ConsumerState(0, 0, 0, 10, 10);
    ConsumerState waiting = new ConsumerState(1, 0, 0, 10, 10);
    ConsumerState atWork = new ConsumerState(0, 1, 0, 10, 11);

    assertThat(Holder.of(letter(null), waiting)).isEqualTo(Holder.PARKED);
    assertThat(Holder.of(letter(Resolution.DISCARDED), waiting)).isEqualTo(Holder.DISCARDED);
    assertThat(Holder.of(letter(Resolution.REDRIVEN), waiting)).isEqualTo(Holder.REDRIVEN);
    assertThat(Holder.of(letter(Resolution.REDRIVEN), atWork)).isEqualTo(Holder.REDRIVEN);
    assertThat(Holder.of(letter(Resolution.REDRIVEN), idle))
        .isEqualTo(Holder.REDRIVEN_WITHOUT_EFFECT);
  }

  private static DeadLetter letter(Resolution resolution) {
    var message =
        new MessageDeadLettered(
            "o1",
            "inventory-reserve",
            "ORDERS",
            1,
            "orders.created.o1",
            "rejected",
            null,
            1,
            null,
            null,
            Map.of(),
            "{}",
            null);
    Optional<Resolved> resolved =
        Optional.ofNullable(resolution)
            .map(
                r ->
                    new Resolved(
                        new DeadLetterResolved(
                            17, r, message.consumer(), message.subject(), null, null),
                        Instant.EPOCH));
    return new DeadLetter(17, Instant.EPOCH, "inventory", "0".repeat(32), message, resolved);
  }
}
