package io.holdfast.gateway.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.gateway.faults.Fate.Kind;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DiceTest {

  @Test
  void the_same_seed_draws_the_same() {
    Faults faults = Faults.NONE.withJitterMs(50).with(Rate.ERROR_RATE, 0.3);

    assertThat(draws(new Dice(7, faults))).isEqualTo(draws(new Dice(7, faults)));
    assertThat(draws(new Dice(7, faults))).isNotEqualTo(draws(new Dice(8, faults)));
  }

  @Test
  void draws_as_often_as_the_rate_says() {
    List<Fate> fates = draws(new Dice(7, Faults.NONE.with(Rate.ERROR_RATE, 0.2)));

    assertThat(fates.stream().filter(f -> f.kind() == Kind.FAILED).count()).isBetween(150L, 250L);
  }

  @Test
  void without_faults_every_request_is_answered_at_once() {
    assertThat(draws(new Dice(7, Faults.NONE))).containsOnly(new Fate(Kind.ANSWERED, 0, false));
  }

  @Test
  void jitter_comes_on_top_of_latency() {
    List<Fate> fates = draws(new Dice(7, Faults.NONE.withLatencyMs(10).withJitterMs(5)));

    assertThat(fates.stream().mapToLong(Fate::delayMs).min()).hasValue(10);
    assertThat(fates.stream().mapToLong(Fate::delayMs).max()).hasValue(15);
  }

  @ParameterizedTest
  @EnumSource(names = {"HANG_RATE", "DROP_AFTER_CHARGE_RATE", "REFUND_ERROR_RATE"})
  void a_look_is_not_touched_by_what_befalls_changes(Rate rate) {
    Dice dice = new Dice(7, Faults.NONE.with(rate, 1));

    assertThat(dice.draw(false, false).kind()).isEqualTo(Kind.ANSWERED);
    assertThat(dice.draw(true, true).kind()).isNotEqualTo(Kind.ANSWERED);
  }

  private static List<Fate> draws(Dice dice) {
    return IntStream.range(0, 1_000).mapToObj(i -> dice.draw(true, false)).toList();
  }
}
