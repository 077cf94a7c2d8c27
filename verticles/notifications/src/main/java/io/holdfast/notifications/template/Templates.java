package io.holdfast.notifications.template;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import io.holdfast.events.CancelReason;
import io.holdfast.events.Envelope;
import io.holdfast.events.Item;
import io.holdfast.events.OrderEvent;
import io.holdfast.events.OrderEvent.OrderCancelled;
import io.holdfast.events.OrderEvent.OrderConfirmed;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.notifications.Notification;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The texts of mails, one file a template: its first line is {@code Subject: ...}, the second is
 * empty, and the rest is the body. Each was tried with every kind of order before it is used, so
 * that a name that does not exist is found at the start and not by a customer.
 *
 * @see <a href="https://mustache.github.io/mustache.5.html">Mustache</a>
 */
public final class Templates {

  private static final List<String> NAMES = List.of("order_confirmed", "order_cancelled");
  private static final String SUFFIX = ".txt";
  private static final String SUBJECT = "Subject:";
  private static final int MAX_BYTES = 256 << 10;

  private static final Mustache.Compiler MUSTACHE =
      Mustache.compiler().escapeHTML(false).strictSections(true);

  private final Map<String, Text> texts;

  private record Text(Template subject, Template body) {}

  private Templates(Map<String, Text> texts) {
    this.texts = texts;
  }

  /**
   * Reads them.
   *
   * @param folder has a file for each that is not to be the built-in one
   * @throws IllegalArgumentException naming the file and what is wrong with it
   */
  public static Templates read(Optional<Path> folder) {
    folder.ifPresent(Templates::checkNames);
    Map<String, Text> texts = new HashMap<>();
    for (String name : NAMES) {
      Optional<Path> own = folder.map(at -> at.resolve(name + SUFFIX)).filter(Files::exists);
      Text text = compiled(name, own.isPresent() ? fromFile(own.get()) : builtIn(name));
      texts.put(name, text);
    }
    Templates templates = new Templates(texts);
    templates.tryAll();
    return templates;
  }

  /** The words for this notification. */
  public MailText render(Notification notification) {
    Text text = texts.get(notification.template());
    Map<String, Object> words = words(notification);
    return new MailText(text.subject.execute(words), text.body.execute(words));
  }

  private static Map<String, Object> words(Notification notification) {
    Map<String, Object> words = new HashMap<>();
    words.put("order_id", notification.orderId());
    words.put("customer_id", notification.customerId());
    words.put("text", notification.text());
    switch (notification.cause().event()) {
      case OrderConfirmed order -> {
        words.put("amount", order.amount().toPlainString());
        words.put("currency", order.currency());
        words.put("has_items", !order.items().isEmpty());
        words.put("items", order.items().stream().map(Templates::words).toList());
      }
      case OrderCancelled order -> {
        words.put("reason", order.reason().wireName());
        for (CancelReason reason : CancelReason.values()) {
          words.put(reason.wireName(), reason == order.reason());
        }
      }
      case OrderCreated order -> {}
    }
    return words;
  }

  private static Map<String, Object> words(Item item) {
    return Map.of(
        "sku",
        item.sku(),
        "quantity",
        item.quantity(),
        "unit_price",
        item.unitPrice().toPlainString());
  }

  private static void checkNames(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      List<String> found =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(SUFFIX))
              .map(name -> name.substring(0, name.length() - SUFFIX.length()))
              .sorted()
              .toList();
      List<String> unknown = found.stream().filter(name -> !NAMES.contains(name)).toList();
      if (found.isEmpty() || !unknown.isEmpty()) {
        throw new IllegalArgumentException(
            "must be a folder that holds order_confirmed.txt, order_cancelled.txt or both"
                + (unknown.isEmpty() ? "" : ", not " + unknown.getFirst() + SUFFIX));
      }
    } catch (IOException | UncheckedIOException e) {
      throw new IllegalArgumentException("must be a folder that can be read", e);
    }
  }

  private static String fromFile(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new IllegalArgumentException(file.getFileName() + " is longer than 256 KiB");
      }
      return Files.readString(file);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          file.getFileName() + " cannot be read as a text in UTF-8", e);
    }
  }

  private static String builtIn(String name) {
    try (InputStream text = Templates.class.getResourceAsStream(name + SUFFIX)) {
      return new String(text.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Text compiled(String name, String source) {
    String[] parts = source.replace("\r\n", "\n").split("\n", 3);
    if (parts.length < 3
        || !parts[0].startsWith(SUBJECT)
        || parts[0].substring(SUBJECT.length()).isBlank()
        || !parts[1].isBlank()
        || parts[2].isBlank()) {
      throw new IllegalArgumentException(
          name + SUFFIX + " must begin with a line 'Subject: ...' and an empty one, then the text");
    }
    try {
      return new Text(
          MUSTACHE.compile(parts[0].substring(SUBJECT.length()).strip()),
          MUSTACHE.compile(parts[2]));
    } catch (RuntimeException malformed) {
      throw faulty(name, malformed);
    }
  }

  /** With every reason, and with items and without, so that each section is entered once. */
  private void tryAll() {
    List<Item> items = List.of(new Item("sku", 1, BigDecimal.ONE));
    Stream<OrderEvent> ends =
        Stream.concat(
            Stream.of(List.<Item>of(), items)
                .map(some -> new OrderConfirmed("o", "c", BigDecimal.ONE, "EUR", some, null)),
            Stream.of(CancelReason.values())
                .map(reason -> new OrderCancelled("o", "c", reason, null)));
    Map<String, RuntimeException> faults = new TreeMap<>();
    ends.forEach(
        end -> {
          Notification sample =
              Notification.of(Envelope.once(end, Instant.EPOCH, "0".repeat(31) + "1"));
          try {
            render(sample);
          } catch (RuntimeException missing) {
            faults.putIfAbsent(sample.template(), missing);
          }
        });
    faults.forEach(
        (name, fault) -> {
          throw faulty(name, fault);
        });
  }

  private static IllegalArgumentException faulty(String name, RuntimeException fault) {
    return new IllegalArgumentException(
        name + SUFFIX + " is no good template: " + fault.getMessage(), fault);
  }
}
