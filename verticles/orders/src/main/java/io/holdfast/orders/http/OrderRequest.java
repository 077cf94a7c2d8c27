package io.holdfast.orders.http;

import io.holdfast.events.Item;
import io.holdfast.events.Money;
import io.holdfast.events.OrderEvent.OrderCreated;
import io.holdfast.runtime.http.JsonBody;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** What {@code POST /orders} may ask for, and the limits of it. */
public final class OrderRequest {

  /** The currency of an order that names none. */
  public static final String DEFAULT_CURRENCY = "EUR";

  /** Lines that an order may have. */
  public static final int MAX_ITEMS = 100;

  /** Pieces that one line may ask for. */
  public static final int MAX_QUANTITY = 1_000_000;

  /**
   * The most an order may cost, in the currency's smallest unit: the largest charge that Stripe
   * documents.
   *
   * @see <a href="https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts">Charge
   *     amounts</a>
   */
  public static final long MAX_MINOR_UNITS = 99_999_999;

  private static final Set<String> FIELDS =
      Set.of("customer_id", "amount", "currency", "items", "payment_method");
  private static final Set<String> ITEM_FIELDS = Set.of("sku", "quantity", "unit_price");
  private static final Pattern PAYMENT_METHOD = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  private OrderRequest() {}

  /** The fields that a request may have. */
  public static Set<String> fields() {
    return FIELDS;
  }

  /**
   * The order that a request asks for.
   *
   * @throws io.holdfast.runtime.http.ProblemException 422 that names every bad field
   */
  public static OrderCreated parse(JsonBody body, String orderId) {
    String customerId = body.id("customer_id");
    String currency = body.text("currency").orElse(DEFAULT_CURRENCY);
    boolean known = money(body, "currency", BigDecimal.ZERO, currency).isPresent();
    List<Item> items = items(body, known ? currency : null);
    Optional<String> paymentMethod = body.text("payment_method");
    if (paymentMethod.isPresent() && !PAYMENT_METHOD.matcher(paymentMethod.get()).matches()) {
      body.fault("payment_method", "must be 1 to 64 letters, digits, '-' or '_'");
    }
    Optional<BigDecimal> stated = body.decimal("amount");
    if (stated.isEmpty() && !body.has("items") && !body.has("amount")) {
      body.required("amount");
    }
    BigDecimal amount = amount(body, stated, items, known ? currency : null);
    body.check();
    return new OrderCreated(
        orderId, customerId, amount, currency, items, paymentMethod.orElse(null));
  }

  /** What the order costs: what was stated, which must be the sum of the items if there are any. */
  private static BigDecimal amount(
      JsonBody body, Optional<BigDecimal> stated, List<Item> items, String currency) {
    if (stated.isPresent() && !payable(body, stated.get(), currency)) {
      return BigDecimal.ZERO;
    }
    if (!body.sound()) {
      return BigDecimal.ZERO; // there is no telling the sum
    }
    BigDecimal sum =
        items.stream()
            .map(item -> item.unitPrice().multiply(BigDecimal.valueOf(item.quantity())))
            .reduce(BigDecimal.ZERO, BigDecimal::add);
    if (stated.isEmpty()) {
      return payable(body, sum, currency) ? sum : BigDecimal.ZERO;
    }
    if (!items.isEmpty() && stated.get().compareTo(sum) != 0) {
      body.fault("amount", "is not the sum of the items, which is " + sum.toPlainString());
    }
    return stated.get();
  }

  /** Whether an order may cost so much; for its own sake, whatever else is wrong. */
  private static boolean payable(JsonBody body, BigDecimal amount, String currency) {
    if (amount.signum() <= 0) {
      body.fault("amount", "must be greater than 0");
      return false;
    }
    if (currency == null || money(body, "amount", amount, currency).isEmpty()) {
      return false;
    }
    BigDecimal most = Money.ofMinorUnits(MAX_MINOR_UNITS, currency).amount();
    if (amount.compareTo(most) > 0) {
      body.fault("amount", "must be at most " + most.toPlainString() + " " + currency);
      return false;
    }
    return true;
  }

  private static List<Item> items(JsonBody body, String currency) {
    List<Item> items = new ArrayList<>();
    boolean soundBefore = body.sound();
    List<JsonBody> lines = body.objects("items", MAX_ITEMS, ITEM_FIELDS);
    if (body.has("items") && lines.isEmpty() && soundBefore && body.sound()) {
      body.fault("items", "must not be empty; leave it out for an order without items");
    }
    for (JsonBody line : lines) {
      String sku = line.id("sku");
      int quantity = (int) line.wholeNumber("quantity", 1, MAX_QUANTITY);
      Optional<BigDecimal> price = line.decimal("unit_price");
      if (price.isEmpty()) {
        if (!line.has("unit_price")) {
          line.required("unit_price");
        }
        continue;
      }
      if (price.get().signum() < 0) {
        line.fault("unit_price", "must not be negative");
        continue;
      }
      if (currency != null && money(line, "unit_price", price.get(), currency).isEmpty()) {
        continue;
      }
      if (line.sound()) {
        items.add(new Item(sku, quantity, price.get()));
      }
    }
    return items;
  }

  private static Optional<Money> money(
      JsonBody body, String field, BigDecimal amount, String currency) {
    try {
      return Optional.of(Money.of(amount, currency));
    } catch (IllegalArgumentException e) {
      body.fault(field, e.getMessage().replaceFirst("^(amount|currency) ", ""));
      return Optional.empty();
    }
  }
}
