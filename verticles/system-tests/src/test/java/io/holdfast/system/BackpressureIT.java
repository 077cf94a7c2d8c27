package io.holdfast.system;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.testkit.Http;
import io.holdfast.testkit.Http.Answer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a broker that stands still costs customers a clear answer and nothing else. Method: every
 * group's packaged JAR; the broker's process is stopped by SIGSTOP under two waves of thousands of
 * simultaneous orders, and goes on again.
 */
class BackpressureIT {

  private static final int AT_ONCE = Integer.getInteger("holdfast.backpressure.requests", 2_000);

  /** A publish's five seconds, a look at what is stored, and a slow machine. */
  private static final Duration LONGEST_ANSWER = Duration.ofSeconds(25);

  private static final Duration LONGEST_HEALTH = Duration.ofSeconds(3);
  private static final int MORE_MEMORY = 160;

  @TempDir Path folder;

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private SystemUnderTest system;

  private record Told(int number, int status, boolean whenToComeBack, String body, Duration took) {}

  @BeforeEach
  void start() {
    system = new SystemUnderTest(folder);
    system.start();
    system.receive("cup", 1_000_000);
  }

  @AfterEach
  void stop() {
    client.shutdownNow();
    system.close();
  }

  @Test
  void a_broker_that_stands_still_is_told_at_once_and_costs_nothing() throws Exception {
    List<String> accepted = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      Answer answer = Http.post(system.url("orders") + "/orders", order());
      assertThat(answer.status()).as(answer.body()).isEqualTo(202);
      accepted.add(answer.json().getString("order_id"));
    }
    long before = system.process("orders").memory("VmRSS");
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong slowestHealth = new AtomicLong();
    Thread doctor = Thread.ofVirtual().start(() -> askForHealth(over, slowestHealth));

    system.broker().pause();
    List<Told> told = new ArrayList<>(wave("a"));
    told.addAll(wave("b"));
    long after = system.process("orders").memory("VmHWM");
    over.set(true);
    doctor.join();
    system.broker().resume();

    Map<Integer, Integer> statuses = new TreeMap<>();
    told.forEach(answer -> statuses.merge(answer.status(), 1, Integer::sum));
    Duration slowest = told.stream().map(Told::took).max(Duration::compareTo).orElseThrow();
    System.out.printf(
        "backpressure: %d requests, answers %s, the slowest after %d ms, slowest health %d ms,"
            + " memory %d MiB before and at most %d MiB%n",
        told.size(),
        statuses,
        slowest.toMillis(),
        Duration.ofNanos(slowestHealth.get()).toMillis(),
        before,
        after);
    assertThat(statuses.keySet()).isSubsetOf(429, 503);
    assertThat(told).allMatch(Told::whenToComeBack);
    assertThat(slowest).isLessThan(LONGEST_ANSWER);
    assertThat(Duration.ofNanos(slowestHealth.get())).isLessThan(LONGEST_HEALTH);
    assertThat(after).isLessThan(before + MORE_MEMORY);
    assertThat(system.process("orders").output()).doesNotContain("has been blocked");

    everythingGoesOn(accepted);
  }

  /** Whoever was sent away comes again with the same key, as he was told. */
  private void everythingGoesOn(List<String> accepted) throws Exception {
    for (String group : SystemUnderTest.GROUPS) {
      eventually(
          group + " is ready again",
          Duration.ofSeconds(60),
          () -> Http.get(system.url(group) + "/ready").status(),
          status -> status == 200);
    }
    for (int i = 0; i < 40; i++) {
      String key = "a-" + i;
      Answer again =
          eventually(
              key + " is accepted",
              Duration.ofSeconds(60),
              () -> Http.post(system.url("orders") + "/orders", order(), "Idempotency-Key", key),
              answer -> answer.status() == 202);
      accepted.add(again.json().getString("order_id"));
    }
    Path list = folder.resolve("accepted.txt");
    Files.write(list, accepted);
    SystemUnderTest.Reconciled reconciled = system.reconcile(list);
    assertThat(reconciled.status()).as(reconciled.output()).isZero();
  }

  private List<Told> wave(String name) {
    List<CompletableFuture<Told>> asked = new ArrayList<>();
    for (int i = 0; i < AT_ONCE; i++) {
      int number = i;
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(system.url("orders") + "/orders"))
              .header("Content-Type", "application/json")
              .header("Idempotency-Key", name + "-" + i)
              .timeout(Duration.ofSeconds(60))
              .POST(HttpRequest.BodyPublishers.ofString(order()))
              .build();
      long begun = System.nanoTime();
      asked.add(
          client
              .sendAsync(request, HttpResponse.BodyHandlers.ofString())
              .thenApply(
                  answer ->
                      new Told(
                          number,
                          answer.statusCode(),
                          answer.headers().firstValue("Retry-After").isPresent(),
                          answer.body(),
                          Duration.ofNanos(System.nanoTime() - begun))));
    }
    return asked.stream().map(CompletableFuture::join).toList();
  }

  private void askForHealth(AtomicBoolean over, AtomicLong slowest) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(system.url("orders") + "/health"))
            .timeout(Duration.ofSeconds(30))
            .build();
    while (!over.get()) {
      long begun = System.nanoTime();
      try {
        client.send(request, HttpResponse.BodyHandlers.discarding());
        Thread.sleep(50); // between two questions
      } catch (IOException e) {
        slowest.set(Long.MAX_VALUE); // no answer at all
      } catch (InterruptedException e) {
        return;
      }
      long took = System.nanoTime() - begun;
      slowest.accumulateAndGet(took, Math::max);
    }
  }

  private static String order() {
    return "{\"customer_id\":\"c-1\",\"currency\":\"EUR\","
        + "\"items\":[{\"sku\":\"cup\",\"quantity\":1,\"unit_price\":10}]}";
  }
}
