package io.holdfast.gateway.domain;

import java.util.Map;

/** What a client wants changed: sound in itself, not yet held against the ledger. */
public sealed interface Command {

  /**
   * @param confirm whether to charge at once
   * @param description null if there is none
   */
  record Create(
      long amount,
      String currency,
      String paymentMethod,
      boolean confirm,
      String description,
      Map<String, String> metadata)
      implements Command {}

  /**
   * @param paymentMethod null for the one that the intent has
   */
  record Confirm(String intentId, String paymentMethod) implements Command {}

  /**
   * @param reason null if none was named
   */
  record Cancel(String intentId, String reason) implements Command {}

  /**
   * Of {@code intentId} and {@code chargeId} one may be null.
   *
   * @param amount null for all that is left
   * @param reason null if none was named
   */
  record GiveBack(
      String intentId, String chargeId, Long amount, String reason, Map<String, String> metadata)
      implements Command {}
}
