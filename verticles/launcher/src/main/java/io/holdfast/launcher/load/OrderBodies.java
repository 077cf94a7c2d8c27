package io.holdfast.launcher.load;

import io.vertx.core.buffer.Buffer;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * What customers send, put together from parts that were made before. The same seed gives the same
 * orders. For one thread.
 */
public final class OrderBodies implements Supplier<Buffer> {

  private static final byte[] HEAD = bytes("{\"customer_id\":\"customer-");
  private static final int MAX_QUANTITY = 3;
  private static final int AMOUNTS = 100;

  private final SplittableRandom dice;
  private final int customers;
  private final List<byte[]> rests;

  private OrderBodies(long seed, int customers, List<byte[]> rests) {
    this.dice = new SplittableRandom(seed);
    this.customers = customers;
    this.rests = rests;
  }

  /** One of some goods. */
  public record Article(String sku, BigDecimal price) {}

  /** Orders of one to three pieces of one of the goods. */
  public static OrderBodies of(List<Article> goods, int customers, long seed) {
    List<byte[]> rests = new ArrayList<>();
    for (Article article : goods) {
      for (int quantity = 1; quantity <= MAX_QUANTITY; quantity++) {
        rests.add(
            bytes(
                "\",\"currency\":\"EUR\",\"items\":[{\"sku\":\"%s\",\"quantity\":%d,\"unit_price\":%s}]}"
                    .formatted(article.sku(), quantity, article.price().toPlainString())));
      }
    }
    return new OrderBodies(seed, customers, rests);
  }

  /** Orders of an amount alone, which any such service understands. */
  public static OrderBodies plain(int customers, long seed) {
    List<byte[]> rests = new ArrayList<>();
    for (int amount = 1; amount <= AMOUNTS; amount++) {
      rests.add(bytes("\",\"amount\":" + amount + ".50}"));
    }
    return new OrderBodies(seed, customers, rests);
  }

  @Override
  public Buffer get() {
    byte[] customer = bytes(Integer.toString(dice.nextInt(customers)));
    byte[] rest = rests.get(dice.nextInt(rests.size()));
    byte[] body = new byte[HEAD.length + customer.length + rest.length];
    System.arraycopy(HEAD, 0, body, 0, HEAD.length);
    System.arraycopy(customer, 0, body, HEAD.length, customer.length);
    System.arraycopy(rest, 0, body, HEAD.length + customer.length, rest.length);
    return Buffer.buffer(body);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
