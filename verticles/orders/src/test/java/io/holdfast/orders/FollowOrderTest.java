package io.holdfast.orders;

import static io.holdfast.testkit.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.testkit.TestGroups;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: whoever follows an order sees all of it, in order, to its end. Method: server-sent events
 * read as they come, from the replica that settles the order and from another one.
 */
class FollowOrderTest {

  private final Orders orders = Orders.inNewNamespace();

  @AfterEach
  void close() {
    orders.close();
  }

  /** One event as it came over the wire. */
  private record Sent(String event, long id, JsonObject data) {}

  @Test
  void a_follower_sees_an_order_from_its_start_to_its_end_and_then_the_stream_ends() {
    String url = orders.start();
    String orderId = Orders.placed(url);

    try (Follower follower = Follower.of(url, orderId)) {
      assertThat(follower.status()).isEqualTo(200);
      assertThat(follower.contentType()).isEqualTo("text/event-stream");
      follower.await(1);
      orders.paid(orderId);

      List<Sent> sent = follower.awaitEnd();
      assertThat(sent).extracting(Sent::event).containsExactly("OrderCreated", "OrderConfirmed");
      assertThat(sent)
          .extracting(s -> s.data().getString("status"))
          .containsExactly("pending", "confirmed");
      assertThat(sent).allMatch(s -> s.data().getString("order_id").equals(orderId));
      assertThat(sent)
          .extracting(Sent::id)
          .containsExactlyElementsOf(
              orders.history(orderId).events().stream().map(fact -> fact.sequence()).toList());
    }
  }

  @Test
  void an_order_that_is_final_already_is_told_at_once() {
    String url = orders.start();
    String orderId = Orders.placed(url);
    orders.rejected(orderId);
    orders.end(orderId);

    try (Follower follower = Follower.of(url, orderId)) {
      List<Sent> sent = follower.awaitEnd();
      assertThat(sent).extracting(Sent::event).containsExactly("OrderCreated", "OrderCancelled");
      assertThat(sent.getLast().data().getString("reason")).isEqualTo("out_of_stock");
    }
  }

  @Test
  void followers_of_every_replica_see_the_same_whoever_settles_the_order() {
    String here = orders.start();
    String there = orders.startElsewhere();
    String orderId = Orders.placed(here);

    try (Follower first = Follower.of(here, orderId);
        Follower second = Follower.of(here, orderId);
        Follower other = Follower.of(there, orderId)) {
      first.await(1);
      second.await(1);
      other.await(1);
      assertThat(Orders.cancel(here, orderId).status()).isEqualTo(202);

      List<Sent> sent = first.awaitEnd();
      assertThat(sent).extracting(Sent::event).containsExactly("OrderCreated", "OrderCancelled");
      assertThat(second.awaitEnd()).isEqualTo(sent);
      assertThat(other.awaitEnd()).isEqualTo(sent);
    }
  }

  @Test
  void followers_who_leave_early_disturb_nobody_and_a_drain_waits_for_none() throws Exception {
    RunningGroup group = orders.startGroup();
    String url = TestGroups.url(group);
    String orderId = Orders.placed(url);
    for (int i = 0; i < 20; i++) {
      try (Follower leaves = Follower.of(url, orderId)) {
        leaves.await(1);
      }
    }
    try (Follower stays = Follower.of(url, orderId)) {
      stays.await(1);
      orders.declined(orderId);
      assertThat(stays.awaitEnd())
          .extracting(Sent::event)
          .containsExactly("OrderCreated", "OrderCancelled");
    }

    String pending = Orders.placed(url);
    try (Follower follower = Follower.of(url, pending)) {
      follower.await(1);
      assertThat(group.drain().await(4, TimeUnit.SECONDS)).isTrue();
      assertThat(follower.awaitEnd()).hasSize(1);
    }
  }

  @Test
  void a_follower_that_comes_again_is_told_what_is_new_and_at_the_end_that_this_was_all() {
    String url = orders.start();
    String orderId = Orders.placed(url);
    long created;
    try (Follower follower = Follower.of(url, orderId)) {
      follower.await(1);
      created = follower.sent.getFirst().id();
      assertThat(follower.retries).containsExactly("retry: 2000");
    }

    try (Follower again = Follower.after(url, orderId, Long.toString(created))) {
      orders.paid(orderId);
      assertThat(again.awaitEnd())
          .singleElement()
          .satisfies(
              sent -> {
                assertThat(sent.event()).isEqualTo("OrderConfirmed");
                assertThat(sent.data().getString("status")).isEqualTo("confirmed");
              });
    }
    // The answer to the end may have been lost; what is new is told even if the order is final.
    try (Follower late = Follower.after(url, orderId, Long.toString(created))) {
      assertThat(late.awaitEnd()).extracting(Sent::event).containsExactly("OrderConfirmed");
      String end = Long.toString(late.sent.getLast().id());
      try (Follower all = Follower.after(url, orderId, end)) {
        assertThat(all.status()).isEqualTo(204);
        assertThat(all.awaitEnd()).isEmpty();
      }
    }
  }

  @Test
  void an_id_that_is_none_of_the_orders_hides_nothing() {
    String url = orders.start();
    String orderId = Orders.placed(url);
    orders.declined(orderId);
    orders.end(orderId);

    for (String id : List.of("99999999", "0", "-1", "x", "1e3", "999999999999999999999")) {
      try (Follower follower = Follower.after(url, orderId, id)) {
        assertThat(follower.awaitEnd())
            .as(id)
            .extracting(Sent::event)
            .containsExactly("OrderCreated", "OrderCancelled");
      }
    }
  }

  /** Reads a response as it comes, on a thread of its own. */
  private static final class Follower implements AutoCloseable {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private final HttpResponse<InputStream> response;
    private final List<Sent> sent = new CopyOnWriteArrayList<>();
    private final List<String> retries = new CopyOnWriteArrayList<>();
    private final Thread reader;

    private Follower(HttpResponse<InputStream> response) {
      this.response = response;
      this.reader = Thread.ofVirtual().start(this::read);
    }

    static Follower of(String url, String orderId) {
      return of(HttpRequest.newBuilder(events(url, orderId)).build());
    }

    /** One that has the order's events up to an id already. */
    static Follower after(String url, String orderId, String lastEventId) {
      return of(
          HttpRequest.newBuilder(events(url, orderId))
              .header("Last-Event-ID", lastEventId)
              .build());
    }

    private static URI events(String url, String orderId) {
      return URI.create(url + "/orders/" + orderId + "/events");
    }

    private static Follower of(HttpRequest request) {
      try {
        return new Follower(CLIENT.send(request, HttpResponse.BodyHandlers.ofInputStream()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }

    int status() {
      return response.statusCode();
    }

    String contentType() {
      return response.headers().firstValue("Content-Type").orElse("");
    }

    void await(int count) {
      eventually(count + " events came", () -> sent, list -> list.size() >= count);
    }

    /** Everything, once the response has ended. */
    List<Sent> awaitEnd() {
      eventually("the stream of events ends", () -> !reader.isAlive());
      return List.copyOf(sent);
    }

    private void read() {
      try (BufferedReader lines =
          new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
        List<String> event = new ArrayList<>();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          if (!line.isEmpty()) {
            event.add(line);
          } else {
            if (event.getFirst().startsWith("retry:")) {
              retries.addAll(event);
            } else if (!event.getFirst().startsWith(":")) {
              sent.add(parsed(event));
            }
            event.clear();
          }
        }
      } catch (IOException closed) {
        // by us, or by a drain
      }
    }

    private static Sent parsed(List<String> lines) {
      assertThat(lines).hasSize(3);
      return new Sent(
          lines.get(0).substring("event: ".length()),
          Long.parseLong(lines.get(1).substring("id: ".length())),
          new JsonObject(lines.get(2).substring("data: ".length())));
    }

    @Override
    public void close() {
      try {
        response.body().close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
