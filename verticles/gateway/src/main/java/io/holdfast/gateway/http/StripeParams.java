package io.holdfast.gateway.http;

import io.holdfast.gateway.domain.StripeError;
import io.vertx.core.MultiMap;
import io.vertx.ext.web.RoutingContext;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * A request's parameters, from its form or its query, read one by one. The first fault ends the
 * request with the error that Stripe has for it.
 *
 * @see <a href="https://docs.stripe.com/error-codes">Stripe: error codes</a>
 */
final class StripeParams {

  private static final String FORM = "application/x-www-form-urlencoded";
  private static final long MAX_AMOUNT = 99_999_999;
  private static final int MAX_PAGE = 100;
  private static final int MAX_METADATA = 50;
  private static final int MAX_METADATA_KEY = 40;
  private static final int MAX_METADATA_VALUE = 500;

  private final TreeMap<String, List<String>> values = new TreeMap<>();

  /**
   * @param known names that are taken, those with brackets by what stands before
   */
  private StripeParams(MultiMap sent, Set<String> known) {
    for (Map.Entry<String, String> pair : sent) {
      String name = pair.getKey();
      int bracket = name.indexOf('[');
      if (!known.contains(bracket < 0 ? name : name.substring(0, bracket))) {
        throw invalid("parameter_unknown", "Received unknown parameter: " + name, name);
      }
      values.computeIfAbsent(name, n -> new ArrayList<>(1)).add(pair.getValue());
    }
  }

  static StripeParams form(RoutingContext request, Set<String> known) {
    String type = request.request().getHeader("Content-Type");
    String media = type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (request.body().length() > 0 && !media.equals(FORM)) {
      throw invalid(null, "Invalid request (check that your POST content type is " + FORM + ").");
    }
    return new StripeParams(request.request().formAttributes(), known);
  }

  static StripeParams query(RoutingContext request, Set<String> known) {
    return new StripeParams(request.queryParams(), known);
  }

  /** Equal for the same path with the same parameters, in whatever order they were sent. */
  String fingerprint(String path) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) { // every JDK must have it
      throw new IllegalStateException(e);
    }
    add(digest, path);
    values.forEach(
        (name, all) -> {
          add(digest, name);
          all.forEach(value -> add(digest, value));
        });
    return Base64.getUrlEncoder().withoutPadding().encodeToString(digest.digest()).substring(0, 22);
  }

  Optional<String> text(String name) {
    List<String> all = values.get(name);
    if (all == null) {
      return Optional.empty();
    }
    if (all.size() > 1) {
      throw invalid("parameter_invalid", "Received '" + name + "' more than once.", name);
    }
    if (all.getFirst().isEmpty()) {
      throw invalid(
          "parameter_invalid_empty", "You passed an empty string for '" + name + "'.", name);
    }
    return Optional.of(all.getFirst());
  }

  String required(String name) {
    return text(name)
        .orElseThrow(
            () -> invalid("parameter_missing", "Missing required param: " + name + ".", name));
  }

  /** An amount in the currency's smallest unit, from 1 on. */
  Optional<Long> amount(String name) {
    return text(name)
        .map(
            value -> {
              long amount = wholeNumber(name, value);
              if (amount < 1) {
                throw invalid(
                    "parameter_invalid_integer",
                    "This value must be greater than or equal to 1.",
                    name);
              }
              if (amount > MAX_AMOUNT) {
                throw invalid(
                    "amount_too_large", "Amount must be no more than " + MAX_AMOUNT + ".", name);
              }
              return amount;
            });
  }

  boolean flag(String name) {
    return text(name)
        .map(
            value ->
                switch (value) {
                  case "true" -> true;
                  case "false" -> false;
                  default -> throw invalid(null, "Invalid boolean: " + value, name);
                })
        .orElse(false);
  }

  Optional<String> choice(String name, Set<String> allowed) {
    Optional<String> value = text(name);
    if (value.isPresent() && !allowed.contains(value.get())) {
      throw invalid(
          null,
          "Invalid "
              + name
              + ": must be one of "
              + String.join(", ", allowed.stream().sorted().toList()),
          name);
    }
    return value;
  }

  /** The values of {@code name[]}, {@code name[0]} and so on. */
  List<String> list(String name) {
    return values.tailMap(name, true).entrySet().stream()
        .takeWhile(e -> e.getKey().startsWith(name))
        .flatMap(e -> e.getValue().stream())
        .toList();
  }

  Map<String, String> metadata() {
    Map<String, String> metadata = new TreeMap<>();
    String prefix = "metadata[";
    for (String name : values.tailMap("metadata", true).keySet()) {
      if (!name.startsWith("metadata")) {
        break;
      }
      if (!name.startsWith(prefix) || !name.endsWith("]")) {
        throw invalid(null, "Invalid object: metadata takes metadata[key]=value", name);
      }
      String key = name.substring(prefix.length(), name.length() - 1);
      String value = text(name).orElse("");
      if (key.isEmpty() || key.length() > MAX_METADATA_KEY) {
        throw invalid(
            null, "Metadata keys must have 1 to " + MAX_METADATA_KEY + " characters.", name);
      }
      if (value.length() > MAX_METADATA_VALUE) {
        throw invalid(
            null, "Metadata values can have up to " + MAX_METADATA_VALUE + " characters.", name);
      }
      metadata.put(key, value);
    }
    if (metadata.size() > MAX_METADATA) {
      throw invalid(null, "Metadata can have up to " + MAX_METADATA + " keys.", "metadata");
    }
    return metadata;
  }

  /** How many objects a page may have: 1 to 100, 10 if nothing is said. */
  int limit() {
    return text("limit")
        .map(
            value -> {
              long limit = wholeNumber("limit", value);
              if (limit < 1 || limit > MAX_PAGE) {
                throw invalid(
                    "parameter_invalid_integer", "limit must be from 1 to " + MAX_PAGE, "limit");
              }
              return (int) limit;
            })
        .orElse(10);
  }

  /** A place in a list, from 0; {@code otherwise} if nothing is said. */
  int place(String name, int otherwise) {
    return text(name)
        .map(
            value -> {
              long place = wholeNumber(name, value);
              if (place < 0 || place > Integer.MAX_VALUE) {
                throw invalid("parameter_invalid_integer", "Invalid " + name + ": " + value, name);
              }
              return (int) place;
            })
        .orElse(otherwise);
  }

  static StripeException invalid(String code, String message) {
    return invalid(code, message, null);
  }

  static StripeException invalid(String code, String message, String param) {
    return new StripeException(StripeError.invalid(code, message, param));
  }

  private static long wholeNumber(String name, String value) {
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw invalid("parameter_invalid_integer", "Invalid integer: " + value, name);
    }
  }

  private static void add(MessageDigest digest, String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
  }
}
