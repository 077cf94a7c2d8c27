package io.holdfast.inventory;

import io.holdfast.runtime.boot.Boot;

/** {@code java -jar inventory-fat.jar}. */
public final class InventoryMain {

  private InventoryMain() {}

  public static void main(String[] args) {
    Boot.run(new InventoryGroup());
  }
}
