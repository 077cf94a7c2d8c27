package io.holdfast.gateway;

import static io.holdfast.gateway.Simulator.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.gateway.domain.Command.Cancel;
import io.holdfast.gateway.domain.Command.Create;
import io.holdfast.gateway.domain.Outcome.Refused;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The gateway without HTTP. */
class GatewayTest {

  @TempDir Path folder;
  private Path file;
  private Gateway gateway;

  @BeforeEach
  void open() throws Exception {
    file = folder.resolve("ledger.jsonl");
    gateway = Gateway.open(file, Duration.ofHours(24), InstantSource.system(), new RandomIds());
  }

  @AfterEach
  void close() throws Exception {
    gateway.close();
  }

  @Test
  void an_answer_comes_after_its_entry_is_written() throws Exception {
    for (int i = 1; i <= 200; i++) {
      await(gateway.perform(charge("k" + i), network(Future.succeededFuture())));

      assertThat(lines()).isEqualTo(i);
    }
  }

  @Test
  void a_look_or_a_replay_waits_for_what_it_saw() throws Exception {
    for (int i = 1; i <= 200; i++) {
      Call call = charge("k" + i);
      gateway.perform(call, network(Future.succeededFuture()));
      if (i % 2 == 0) {
        assertThat(await(gateway.perform(call, network(Future.succeededFuture()))).replayed())
            .isTrue();
      } else {
        int seen = await(gateway.read(ledger -> ledger.size()));
        assertThat(seen).isEqualTo(i);
      }

      assertThat(lines()).isEqualTo(i);
    }
  }

  @Test
  void nothing_happens_before_the_card_network_has_answered() {
    Promise<Void> network = Promise.promise();
    Future<Answer> first = gateway.perform(charge("k"), network(network.future()));
    Answer meanwhile = await(gateway.perform(charge("k"), network(Future.succeededFuture())));

    assertThat(status(meanwhile)).isEqualTo(409);
    assertThat(gateway.size()).isZero();

    network.complete();
    assertThat(await(first).outcome().intent().latestCharge()).startsWith("ch_");
    assertThat(gateway.size()).isEqualTo(1);
  }

  @Test
  void nothing_is_answered_any_more_once_the_ledger_cannot_be_written() throws Exception {
    await(gateway.perform(charge("k1"), network(Future.succeededFuture())));
    gateway.close();

    List<Future<?>> answers = new ArrayList<>();
    answers.add(gateway.perform(charge("k1"), network(Future.succeededFuture())));
    answers.add(gateway.perform(charge("k2"), network(Future.succeededFuture())));
    answers.add(gateway.read(ledger -> ledger.size()));

    for (Future<?> answer : answers) {
      assertThat(Simulator.failure(answer)).hasMessageContaining("closed");
    }
  }

  @Test
  void what_changes_nothing_and_has_no_key_is_not_written() throws Exception {
    await(gateway.perform(charge("k"), network(Future.succeededFuture())));
    String id = await(gateway.read(ledger -> ledger.newest(null, 1))).orElseThrow().getFirst().id();

    Answer refused =
        await(
            gateway.perform(
                new Call(null, "f", new Cancel(id, null)), network(Future.succeededFuture())));

    assertThat(status(refused)).isEqualTo(400);
    assertThat(lines()).isEqualTo(1);
  }

  private long lines() throws Exception {
    return Files.readAllLines(file).size();
  }

  private static int status(Answer answer) {
    return answer.outcome() instanceof Refused no ? no.error().status() : 200;
  }

  private static Call charge(String key) {
    return new Call(key, "f", new Create(100, "eur", "pm_card_visa", true, null, Map.of()));
  }

  private static CardNetwork network(Future<Void> answers) {
    return new CardNetwork() {
      @Override
      public Future<Void> answers() {
        return answers;
      }

      @Override
      public boolean declines() {
        return false;
      }
    };
  }
}
