package io.holdfast.events;

import java.math.BigDecimal;
import java.util.Currency;
import java.util.Objects;

/**
 * An exact amount in an ISO 4217 currency, with as many decimals as the currency has (JPY 0, EUR 2,
 * KWD 3). Never negative, never binary floating point.
 *
 * @param amount in major units, its scale that of the currency
 */
public record Money(BigDecimal amount, Currency currency) {

  /**
   * Digits that an amount may have, so that no number from outside can take unbounded memory when
   * written out.
   */
  private static final int MAX_DIGITS = 18;

  public Money {
    Objects.requireNonNull(currency, "currency");
    Objects.requireNonNull(amount, "amount");
    checkMagnitude(amount);
    int decimals = currency.getDefaultFractionDigits();
    if (decimals < 0) {
      throw new IllegalArgumentException(
          "currency " + currency + " is not one that can be paid in");
    }
    if (amount.signum() < 0) {
      throw new IllegalArgumentException("amount must not be negative");
    }
    if (amount.stripTrailingZeros().scale() > decimals) {
      throw new IllegalArgumentException(
          "amount has more decimals than " + currency + " has: at most " + decimals);
    }
    amount = amount.setScale(decimals);
    checkMagnitude(amount); // with its decimals it still fits the smallest unit as a long
  }

  /**
   * @param currencyCode an ISO 4217 code, for example {@code EUR}
   * @throws IllegalArgumentException if the code is unknown, or the amount is negative, too large
   *     or too fine
   */
  public static Money of(BigDecimal amount, String currencyCode) {
    return new Money(amount, currency(currencyCode));
  }

  /** From the smallest unit of the currency, cents for example. */
  public static Money ofMinorUnits(long minorUnits, String currencyCode) {
    Currency currency = currency(currencyCode);
    return new Money(
        BigDecimal.valueOf(minorUnits, Math.max(0, currency.getDefaultFractionDigits())), currency);
  }

  /** The amount in the smallest unit of the currency, as payment gateways count. */
  public long minorUnits() {
    return amount.unscaledValue().longValueExact();
  }

  /** The currency's ISO 4217 code. */
  public String currencyCode() {
    return currency.getCurrencyCode();
  }

  @Override
  public String toString() {
    return amount.toPlainString() + " " + currencyCode();
  }

  static void checkMagnitude(BigDecimal amount) {
    if (amount.precision() > MAX_DIGITS
        || (long) amount.precision() - amount.scale() > MAX_DIGITS
        || amount.scale() > MAX_DIGITS) {
      throw new IllegalArgumentException("amount has more than " + MAX_DIGITS + " digits");
    }
  }

  private static Currency currency(String code) {
    Objects.requireNonNull(code, "currency");
    try {
      return Currency.getInstance(code);
    } catch (IllegalArgumentException unknown) {
      throw new IllegalArgumentException("currency must be an ISO 4217 code such as EUR", unknown);
    }
  }
}
