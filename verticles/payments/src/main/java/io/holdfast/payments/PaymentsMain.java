package io.holdfast.payments;

import io.holdfast.runtime.boot.Boot;

/** {@code java -jar payments-fat.jar}. */
public final class PaymentsMain {

  private PaymentsMain() {}

  public static void main(String[] args) {
    Boot.run(new PaymentsGroup());
  }
}
