package io.holdfast.launcher;

import io.holdfast.launcher.load.OrderBodies;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.util.List;

/** The goods that a demo order can ask for. */
final class DemoStock {

  /** One of them. */
  record Article(String sku, BigDecimal price, long quantity) {}

  static final List<Article> ARTICLES =
      List.of(
          new Article("espresso-cup", new BigDecimal("12.50"), 1_000_000),
          new Article("tea-pot", new BigDecimal("34.90"), 1_000_000),
          new Article("dripper", new BigDecimal("24.00"), 1_000_000),
          new Article("last-piece", new BigDecimal("99.00"), 1));

  private DemoStock() {}

  /** Those of which there is plenty. */
  static List<OrderBodies.Article> plenty() {
    return ARTICLES.stream()
        .filter(article -> article.quantity() > 1)
        .map(article -> new OrderBodies.Article(article.sku(), article.price()))
        .toList();
  }

  /** Takes the stock in, once for all starts over the same data. */
  static void seed(String inventoryUrl) {
    for (Article article : ARTICLES) {
      Api.Answer answer =
          Api.post(
              inventoryUrl + "/stock/" + article.sku() + "/receipts",
              new JsonObject().put("quantity", article.quantity()),
              "Idempotency-Key",
              "demo-stock-" + article.sku());
      if (answer.status() == 401 || answer.status() == 403) {
        Terminal.say(
            "No demo stock: inventory asks for a token with scope holdfast:operate. Set"
                + " HOLDFAST_TOKEN, or take in goods yourself.");
        return;
      }
      if (answer.status() != 201) {
        throw new IllegalStateException(
            "the demo stock was not taken in: " + answer.status() + " " + answer.body());
      }
    }
  }
}
