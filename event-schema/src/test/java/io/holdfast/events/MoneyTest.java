package io.holdfast.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Arrays;
import java.util.Currency;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Goal: no amount is ever changed by us, not by the smallest unit. */
class MoneyTest {

  @ParameterizedTest
  @CsvSource({
    "EUR, 99.5, 99.50, 9950",
    "EUR, 0, 0.00, 0",
    "EUR, 0.01, 0.01, 1",
    "EUR, 1E+3, 1000.00, 100000",
    "EUR, 12.3400000, 12.34, 1234",
    "EUR, 9999999999999999.99, 9999999999999999.99, 999999999999999999",
    "JPY, 5000, 5000, 5000",
    "JPY, 5000.00, 5000, 5000",
    "JPY, 5E3, 5000, 5000",
    "JPY, 999999999999999999, 999999999999999999, 999999999999999999",
    "KWD, 1.125, 1.125, 1125",
    "KWD, 1, 1.000, 1000",
    "KWD, 999999999999999.999, 999999999999999.999, 999999999999999999",
    "CLF, 1.2345, 1.2345, 12345",
  })
  void an_amount_has_the_decimals_of_its_currency(
      String currency, BigDecimal given, String kept, long minorUnits) {
    Money money = Money.of(given, currency);

    assertThat(money.amount().toString()).isEqualTo(kept); // never with an exponent
    assertThat(money.minorUnits()).isEqualTo(minorUnits);
    assertThat(money).isEqualTo(Money.ofMinorUnits(minorUnits, currency));
    assertThat(money).hasSameHashCodeAs(Money.ofMinorUnits(minorUnits, currency));
    assertThat(money).hasToString(kept + " " + currency);
  }

  @ParameterizedTest
  @CsvSource({
    "EUR, 0.001",
    "EUR, 99.999",
    "EUR, 1E-3",
    "JPY, 0.5",
    "JPY, 5000.01",
    "KWD, 1.0001",
  })
  void what_is_finer_than_the_currency_is_refused_and_not_rounded(
      String currency, BigDecimal tooFine) {
    assertThatThrownBy(() -> Money.of(tooFine, currency))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("more decimals than " + currency);
  }

  @Test
  void ten_cents_and_twenty_are_thirty() {
    BigDecimal sum = new BigDecimal("0.1").add(new BigDecimal("0.2"));

    assertThat(Money.of(sum, "EUR")).isEqualTo(Money.ofMinorUnits(30, "EUR"));
    // What binary floating point makes of the same sum is no amount of money.
    assertThatThrownBy(() -> Money.of(new BigDecimal(0.1 + 0.2), "EUR"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void minor_units_and_amount_are_the_same_for_every_currency_and_size() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String[] currencies =
        Currency.getAvailableCurrencies().stream()
            .filter(currency -> currency.getDefaultFractionDigits() >= 0)
            .map(Currency::getCurrencyCode)
            .sorted()
            .toArray(String[]::new);
    assertThat(currencies).contains("JPY", "EUR", "KWD").hasSizeGreaterThan(100);

    for (String currency : currencies) {
      for (int digits = 1; digits <= 18; digits++) {
        long minorUnits = random.nextLong((long) Math.pow(10, digits));
        Money money = Money.ofMinorUnits(minorUnits, currency);
        assertThat(money.minorUnits()).as("seed %d", seed).isEqualTo(minorUnits);
        assertThat(Money.of(new BigDecimal(money.amount().toPlainString()), currency))
            .as("seed %d", seed)
            .isEqualTo(money);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "EUR, -0.01, negative",
    "JPY, -1, negative",
    "EUR, 10000000000000000, 18 digits",
    "JPY, 1000000000000000000, 18 digits",
    "KWD, 1000000000000000, 18 digits",
    "EUR, 1E+17, 18 digits",
    "XXX, 1, paid in",
    "XAU, 1, paid in",
    "eur, 1, ISO 4217",
    "EURO, 1, ISO 4217",
    "ZZZ, 1, ISO 4217",
    "'', 1, ISO 4217",
  })
  void what_is_no_price_is_refused(String currency, BigDecimal amount, String why) {
    assertThatThrownBy(() -> Money.of(amount, currency))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(why);
  }

  @Test
  void nothing_is_no_amount_and_no_currency() {
    assertThatThrownBy(() -> Money.of(null, "EUR"))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("amount");
    assertThatThrownBy(() -> Money.of(BigDecimal.ONE, null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("currency");
  }

  @Test
  void minor_units_obey_the_same_limits() {
    for (long refused : new long[] {-1, Long.MIN_VALUE, 1_000_000_000_000_000_000L}) {
      assertThatThrownBy(() -> Money.ofMinorUnits(refused, "EUR"))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> Money.ofMinorUnits(1, "XXX"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Written out, such a number would take gigabytes: it has to be refused before that. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "1e999999999",
        "1e-999999999",
        "0e999999999",
        "0e-999999999",
        "1e2147483647",
        "1e-2147483647",
        "9e100000",
        "-1e999999999"
      })
  void a_huge_exponent_is_refused_at_once(String bomb) {
    BigDecimal amount = new BigDecimal(bomb);

    assertTimeoutPreemptively(
        Duration.ofSeconds(1),
        () -> {
          for (String currency : Arrays.asList("EUR", "JPY", "KWD")) {
            assertThatThrownBy(() -> Money.of(amount, currency))
                .isInstanceOf(IllegalArgumentException.class);
          }
          assertThatThrownBy(() -> new Item("tea-pot", 1, amount))
              .isInstanceOf(IllegalArgumentException.class);
        });
  }
}
