package io.holdfast.launcher.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.launcher.load.OrderBodies.Article;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OrderBodiesTest {

  private static final List<Article> GOODS =
      List.of(
          new Article("cup", new BigDecimal("12.50")), new Article("pot", new BigDecimal("34.90")));

  @Test
  void the_same_seed_asks_for_the_same_goods_and_another_for_others() {
    OrderBodies one = OrderBodies.of(GOODS, 1_000, 7);
    OrderBodies same = OrderBodies.of(GOODS, 1_000, 7);
    OrderBodies other = OrderBodies.of(GOODS, 1_000, 8);
    boolean different = false;
    for (int i = 0; i < 20; i++) {
      var body = one.get();
      assertThat(same.get()).isEqualTo(body);
      different |= !other.get().equals(body);
    }
    assertThat(different).isTrue();
  }

  @Test
  void every_order_is_one_line_of_one_of_the_goods_at_its_price() {
    OrderBodies bodies = OrderBodies.of(GOODS, 10, 1);
    Set<String> customers = new HashSet<>();
    Set<String> lines = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      JsonObject order = new JsonObject(bodies.get());
      customers.add(order.getString("customer_id"));
      lines.add(order.getJsonArray("items").getJsonObject(0).encode());
    }
    assertThat(customers).hasSize(10).contains("customer-0", "customer-9");
    assertThat(lines)
        .hasSize(6)
        .contains(
            "{\"sku\":\"cup\",\"quantity\":1,\"unit_price\":12.5}",
            "{\"sku\":\"pot\",\"quantity\":3,\"unit_price\":34.9}");
  }

  @Test
  void a_plain_order_is_a_customer_and_an_amount() {
    assertThat(new JsonObject(OrderBodies.plain(1, 1).get()).fieldNames())
        .containsExactlyInAnyOrder("customer_id", "amount");
  }
}
