package io.holdfast.notifications.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.holdfast.events.CancelReason;
import io.holdfast.events.Envelope;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.notifications.Notification;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Goal: a template that would fail a customer fails the start, and none can make a header. */
class TemplatesTest {

  @TempDir Path folder;

  @Test
  void the_built_in_confirmation_lists_what_was_ordered() {
    MailText text =
        render(confirmed(List.of(new Item("tea-pot", 2, new BigDecimal("1E+1"))), "40.50"));

    assertThat(text.subject()).isEqualTo("Your order o1 is confirmed: 40.50 EUR");
    assertThat(text.body())
        .isEqualTo(
            """
            Thank you for your order.

            Order:  o1
            Total:  40.50 EUR

              2 x tea-pot at 10 EUR

            It is paid and on its way to you.
            """);
  }

  @Test
  void an_order_that_is_an_amount_alone_has_no_list() {
    assertThat(render(confirmed(List.of(), "40.50")).body())
        .isEqualTo(
            """
            Thank you for your order.

            Order:  o1
            Total:  40.50 EUR

            It is paid and on its way to you.
            """);
  }

  @ParameterizedTest
  @EnumSource(CancelReason.class)
  void the_built_in_cancellation_has_one_sentence_for_every_reason(CancelReason reason) {
    String body = render(new OrderCancelled("o1", "c1", reason, "internal words")).body();

    assertThat(body).contains("Order:  o1").doesNotContain("internal words");
    assertThat(body.lines().filter(line -> line.contains("charged"))).hasSize(1);
  }

  @Test
  void a_folder_replaces_only_what_it_holds() throws IOException {
    write("order_cancelled.txt", "Subject: Storno {{order_id}}\n\n{{reason}} {{customer_id}}");
    Templates templates = Templates.read(Optional.of(folder));

    MailText own =
        templates.render(
            notification(new OrderCancelled("o1", "c1", CancelReason.OUT_OF_STOCK, null)));
    assertThat(own).isEqualTo(new MailText("Storno o1", "out_of_stock c1"));
    assertThat(templates.render(notification(confirmed(List.of(), "1.00"))).subject())
        .isEqualTo("Your order o1 is confirmed: 1.00 EUR");
  }

  static Stream<Arguments> broken() {
    return Stream.of(
        arguments("order_confirmed.txt", "", "must begin with a line 'Subject: ...'"),
        arguments("order_confirmed.txt", "Subject: x", "must begin with a line 'Subject: ...'"),
        arguments("order_confirmed.txt", "Subject: \n\nx", "must begin with a line"),
        arguments("order_confirmed.txt", "Subject: x\nBcc: y\n\nx", "must begin with a line"),
        arguments("order_confirmed.txt", "Hello\n\nx", "must begin with a line 'Subject: ...'"),
        arguments("order_confirmed.txt", "Subject: x\n\n{{#items}}", "is no good template"),
        arguments("order_confirmed.txt", "Subject: x\n\n{{amuont}}", "amuont"),
        arguments("order_confirmed.txt", "Subject: {{amuont}}\n\nx", "amuont"),
        arguments("order_confirmed.txt", "Subject: x\n\n{{reason}}", "reason"),
        arguments("order_confirmed.txt", "Subject: x\n\n{{#items}}{{typo}}{{/items}}", "typo"),
        arguments("order_confirmed.txt", "Subject: x\n\n{{^items}}{{typo}}{{/items}}", "typo"),
        arguments("order_confirmed.txt", "Subject: x\n\n{{> other}}", "is no good template"),
        arguments("order_cancelled.txt", "Subject: x\n\n{{amount}}", "amount"),
        arguments(
            "order_cancelled.txt",
            "Subject: x\n\n{{#customer_request}}{{typo}}{{/customer_request}}",
            "typo"),
        arguments(
            "order_cancelled.txt", "Subject: x\n\n{{#no_reason}}x{{/no_reason}}", "no_reason"),
        arguments("order_shipped.txt", "Subject: x\n\nx", "not order_shipped.txt"),
        arguments("readme.md", "nothing", "must be a folder that holds"));
  }

  @ParameterizedTest
  @MethodSource("broken")
  void a_broken_template_is_found_before_it_is_used(String file, String text, String complaint)
      throws IOException {
    write(file, text);

    assertThatThrownBy(() -> Templates.read(Optional.of(folder)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(complaint);
  }

  @Test
  void a_file_that_is_no_text_is_refused() throws IOException {
    Files.write(
        folder.resolve("order_confirmed.txt"),
        "Subject: ä\n\nx".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> Templates.read(Optional.of(folder)))
        .hasMessageContaining("order_confirmed.txt cannot be read as a text in UTF-8");
  }

  @Test
  void a_subject_is_one_line_whatever_it_was_made_of() {
    String hostile = "Order\r\nBcc: all@example.org\n\rX: 1\u2028Y: 2\u0085Z: 3\u0000\t4";

    assertThat(new MailText(hostile, "x").subject())
        .isEqualTo("Order Bcc: all@example.org X: 1 Y: 2 Z: 3 4");
  }

  private MailText render(OrderEvent event) {
    return Templates.read(Optional.empty()).render(notification(event));
  }

  private static OrderConfirmed confirmed(List<Item> items, String amount) {
    return new OrderConfirmed("o1", "c1", new BigDecimal(amount), "EUR", items, null);
  }

  private static Notification notification(OrderEvent event) {
    return Notification.of(Envelope.once(event, Instant.EPOCH, "0af7651916cd43dd8448eb211c80319c"));
  }

  private void write(String file, String text) throws IOException {
    Files.writeString(folder.resolve(file), text);
  }
}
