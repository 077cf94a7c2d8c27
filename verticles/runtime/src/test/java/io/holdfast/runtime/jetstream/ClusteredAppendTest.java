package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.Facts.created;
import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.runtime.jetstream.AppendResult.Appended;
import io.holdfast.runtime.support.TestProcess;
import io.holdfast.runtime.support.TestServer;
import io.vertx.core.Future;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what a cluster of brokers says, and a single one does not, fails no append. Method: three
 * brokers, streams with three replicas, two processes that store the same facts at the same moment,
 * as two replicas of a service do when a request or a message is repeated.
 */
class ClusteredAppendTest {

  private static final int FACTS = 200;

  @TempDir Path folder;
  private List<NatsServer> brokers;
  private final List<TestProcess> processes = new ArrayList<>();

  @BeforeEach
  void start() {
    brokers = TestServer.cluster(folder);
    String urls = brokers.stream().map(NatsServer::url).collect(Collectors.joining(","));
    String namespace = TestServer.newName();
    for (int replica = 0; replica < 2; replica++) {
      processes.add(TestProcess.on(urls, namespace, "STREAM_REPLICAS", "3"));
    }
  }

  @AfterEach
  void close() {
    processes.forEach(TestProcess::close);
    brokers.forEach(NatsServer::close);
  }

  @Test
  void the_same_fact_stored_by_two_at_the_same_moment_is_stored_once_and_both_learn_it() {
    List<Future<AppendResult>> appends = new ArrayList<>();
    for (int i = 0; i < FACTS; i++) {
      for (TestProcess process : processes) {
        appends.add(process.streams().append(created("o" + i), 0));
      }
    }

    List<AppendResult> results = appends.stream().map(TestProcess::get).toList();

    assertThat(results).hasOnlyElementsOfType(Appended.class);
    assertThat(results.stream().filter(result -> !((Appended) result).repeated())).hasSize(FACTS);
    TestProcess any = processes.getFirst();
    assertThat(get(any.streams().reader().state(any.stream("ORDERS"))).messages()).isEqualTo(FACTS);
  }

  @Test
  void of_the_same_batch_stored_by_two_at_the_same_moment_one_is_stored_and_one_refused() {
    List<Future<Optional<Long>>> appends = new ArrayList<>();
    for (int i = 0; i < FACTS; i++) {
      List<Guarded> batch =
          List.of(new Guarded(created("a" + i), 0), new Guarded(created("b" + i), 0));
      for (TestProcess process : processes) {
        appends.add(process.streams().appendTogether(batch));
      }
    }

    List<Optional<Long>> results = appends.stream().map(TestProcess::get).toList();

    assertThat(results.stream().filter(Optional::isPresent)).hasSize(FACTS);
    TestProcess any = processes.getFirst();
    assertThat(get(any.streams().reader().state(any.stream("ORDERS"))).messages())
        .isEqualTo(2 * FACTS);
  }
}
