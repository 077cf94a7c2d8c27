package io.holdfast.gateway.domain;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.gateway.domain.IdempotencyStore.Claim.First;
import io.holdfast.gateway.domain.IdempotencyStore.Claim.InUse;
import io.holdfast.gateway.domain.IdempotencyStore.Claim.OtherParameters;
import io.holdfast.gateway.domain.IdempotencyStore.Claim.Replay;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class IdempotencyStoreTest {

  private static final long NOW = 1_000_000;
  private static final Outcome OUTCOME = new Outcome.Refused(StripeError.internal(), null);

  private final IdempotencyStore keys = new IdempotencyStore(Duration.ofSeconds(10));

  @Test
  void the_first_request_holds_its_key_until_it_is_done() {
    assertThat(keys.claim("k", "a", NOW)).isInstanceOf(First.class);
    assertThat(keys.claim("k", "a", NOW)).isInstanceOf(InUse.class);

    keys.save("k", "a", OUTCOME, NOW);

    assertThat(keys.claim("k", "a", NOW)).isEqualTo(new Replay(OUTCOME));
  }

  @Test
  void a_key_answers_to_its_own_parameters_alone() {
    keys.claim("k", "a", NOW);
    assertThat(keys.claim("k", "b", NOW)).isInstanceOf(OtherParameters.class);

    keys.save("k", "a", OUTCOME, NOW);

    assertThat(keys.claim("k", "b", NOW)).isInstanceOf(OtherParameters.class);
  }

  @Test
  void a_key_whose_request_was_not_begun_is_free() {
    keys.claim("k", "a", NOW);
    keys.release("k");

    assertThat(keys.claim("k", "b", NOW)).isInstanceOf(First.class);
  }

  @Test
  void a_key_is_forgotten_when_its_time_is_over() {
    keys.save("k", "a", OUTCOME, NOW);

    assertThat(keys.claim("k", "a", NOW + 9_999)).isEqualTo(new Replay(OUTCOME));
    assertThat(keys.claim("k", "a", NOW + 10_000)).isInstanceOf(First.class);
  }

  @Test
  void keys_that_are_over_take_no_room() {
    keys.claim("slow", "a", NOW); // in progress throughout
    for (int i = 0; i < 100; i++) {
      keys.claim("k" + i, "a", NOW + i);
      keys.save("k" + i, "a", OUTCOME, NOW + i);
    }

    keys.claim("late", "a", NOW + 20_000);

    assertThat(keys.size()).as("slow and late").isEqualTo(2);
    assertThat(keys.claim("slow", "a", NOW + 20_000)).isInstanceOf(InUse.class);
  }
}
