package io.holdfast.orders;

import io.holdfast.runtime.boot.Boot;

/** {@code java -jar orders-fat.jar}. */
public final class OrdersMain {

  private OrdersMain() {}

  public static void main(String[] args) {
    Boot.run(new OrdersGroup());
  }
}
