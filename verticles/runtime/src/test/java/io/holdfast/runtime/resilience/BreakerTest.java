package io.holdfast.runtime.resilience;

import static io.holdfast.runtime.support.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.runtime.telemetry.Meters;
import io.vertx.circuitbreaker.OpenCircuitException;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Goal: what the breaker lets through is what a consumer may take up. */
class BreakerTest {

  private static final Duration RESET = Duration.ofMillis(300);

  private final Vertx vertx = Vertx.vertx();
  private final Breaker breaker =
      new Breaker(
          vertx,
          "payments",
          "outside",
          new Breaker.Limits(6, Duration.ofSeconds(5), RESET),
          new Meters(),
          Clock.systemUTC());

  @AfterEach
  void close() throws TimeoutException {
    vertx.close().await(5, TimeUnit.SECONDS);
  }

  @Test
  void more_than_five_failures_in_a_row_open_it_and_then_nothing_may_be_taken_up() {
    fail(5);
    assertThat(breaker.state()).isEqualTo("closed");
    assertThat(breaker.limit()).isEqualTo(Integer.MAX_VALUE);

    fail(1);

    assertThat(breaker.state()).isEqualTo("open");
    assertThat(breaker.limit()).isZero();
    eventually("it says for how long", () -> breaker.untilMore().isPositive());
    assertThat(breaker.untilMore()).isLessThanOrEqualTo(RESET);
    assertThat(call(Future.succeededFuture("not made")).cause())
        .isInstanceOf(OpenCircuitException.class);
  }

  @Test
  void after_a_while_one_call_may_be_made_and_its_success_begins_a_ramp() {
    fail(6);
    eventually("it is half-open", () -> breaker.state().equals("half_open"));
    assertThat(breaker.limit()).isEqualTo(1);
    assertThat(breaker.untilMore()).isZero();

    assertThat(call(Future.succeededFuture("paid")).result()).isEqualTo("paid");

    assertThat(breaker.state()).isEqualTo("closed");
    assertThat(breaker.limit()).as("just after").isLessThanOrEqualTo(2);
    eventually("there is more", () -> breaker.limit() >= 2);
    assertThat(breaker.limit()).isLessThan(64);
  }

  @Test
  void a_probe_that_fails_opens_it_for_as_long_again() {
    fail(6);
    eventually("it is half-open", () -> breaker.state().equals("half_open"));

    fail(1);

    assertThat(breaker.state()).isEqualTo("open");
    assertThat(breaker.limit()).isZero();
  }

  @Test
  void a_call_that_began_before_it_opened_and_ends_well_makes_nobody_forget_why_it_is_open() {
    Promise<String> slow = Promise.promise();
    Future<String> begun = breaker.guard(slow::future);
    fail(6);

    slow.complete("paid");
    eventually("the call is over", begun::isComplete);

    assertThat(begun.result()).isEqualTo("paid");
    assertThat(breaker.state()).isEqualTo("open");
    assertThat(breaker.failures()).isEqualTo(6);
    eventually("it is half-open", () -> breaker.state().equals("half_open"));
    call(Future.succeededFuture("paid"));
    assertThat(breaker.failures()).as("closed again").isZero();
  }

  @Test
  void work_that_several_can_do_is_taken_up_as_long_as_one_of_them_bears_it() {
    fail(6);
    assertThat(Pace.best(java.util.List.of(breaker)).limit()).isZero();
    assertThat(Pace.best(java.util.List.of(breaker, Pace.UNBOUNDED)).limit())
        .isEqualTo(Integer.MAX_VALUE);
    assertThat(Pace.best(java.util.List.of(breaker, Pace.UNBOUNDED)).untilMore()).isZero();
    assertThat(Pace.best(java.util.List.of()).limit()).isEqualTo(Integer.MAX_VALUE);
  }

  private void fail(int times) {
    for (int i = 0; i < times; i++) {
      assertThat(call(Future.failedFuture("out")).failed()).isTrue();
    }
  }

  /** The outcome, settled. */
  private Future<String> call(Future<String> answer) {
    Future<String> made = breaker.guard(() -> answer);
    eventually("the call is over", made::isComplete);
    return made;
  }
}
