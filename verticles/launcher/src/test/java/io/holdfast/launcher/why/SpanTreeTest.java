package io.holdfast.launcher.why;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.launcher.why.SpanTree.Branch;
import io.vertx.core.json.JsonArray;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Goal: a reader sees what led to what, whatever the collector has of it. */
class SpanTreeTest {

  @Test
  void each_span_stands_under_the_one_that_led_to_it_in_the_order_of_time() {
    List<Branch> tree =
        SpanTree.of(
            new JsonArray(
                """
                [
                 {"id":"c","parentId":"b","name":"process orders.created","timestamp":1500,"duration":900,
                  "localEndpoint":{"serviceName":"inventory"},"tags":{"error":"no answer"}},
                 {"id":"a","name":"post /orders","timestamp":1000,"duration":2500,
                  "localEndpoint":{"serviceName":"orders"}},
                 {"id":"d","parentId":"b","name":"seal orders.created","timestamp":1200,
                  "localEndpoint":{"serviceName":"audit"}},
                 {"id":"b","parentId":"a","name":"publish orders.created","timestamp":1100,"duration":300,
                  "localEndpoint":{"serviceName":"orders"}}
                ]"""));

    assertThat(tree)
        .containsExactly(
            new Branch(0, "orders", "post /orders", 0, 2500, null),
            new Branch(1, "orders", "publish orders.created", 100, 300, null),
            new Branch(2, "audit", "seal orders.created", 200, 0, null),
            new Branch(2, "inventory", "process orders.created", 500, 900, "no answer"));
  }

  @Test
  void a_span_whose_parent_is_not_there_is_shown_all_the_same() {
    List<Branch> tree =
        SpanTree.of(new JsonArray("[{\"id\":\"b\",\"parentId\":\"a\",\"name\":\"n\"}]"));

    assertThat(tree).containsExactly(new Branch(0, "?", "n", 0, 0, null));
  }

  @Test
  void spans_that_name_each_other_come_to_an_end() {
    List<Branch> tree =
        SpanTree.of(
            new JsonArray(
                """
                [{"id":"a","parentId":"b","name":"x"},{"id":"b","parentId":"a","name":"y"},{"id":"r","name":"z"}]"""));

    assertThat(tree).extracting(Branch::name).contains("z");
  }
}
