package io.holdfast.gateway.domain;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Everything that happened, as its fold. Grows without bound, as it is for development and tests
 * alone. Not thread-safe.
 */
public final class Ledger {

  private record Label(String key, String value) {}

  private final List<PaymentIntent> intents = new ArrayList<>(); // by position, oldest first
  private final Map<String, Integer> positions = new HashMap<>();
  private final Map<String, Integer> positionsByCharge = new HashMap<>();
  private final Map<Label, List<Integer>> positionsByMetadata = new HashMap<>();
  private final List<Integer> charges = new ArrayList<>(); // positions of their intents
  private final Map<Integer, Integer> chargeOf = new HashMap<>(); // and the way back
  private final Map<String, Refund> refunds = new HashMap<>();
  private final Map<String, List<Refund>> refundsByIntent = new HashMap<>();

  /** Takes in what a request did. Entries that changed nothing change nothing here. */
  public void apply(Entry entry) {
    if (entry.intent() != null) {
      put(entry.intent());
    }
    if (entry.refund() != null) {
      Refund refund = entry.refund();
      refunds.put(refund.id(), refund);
      refundsByIntent.computeIfAbsent(refund.paymentIntent(), id -> new ArrayList<>(1)).add(refund);
    }
  }

  /** Whether {@link #apply} would make a difference. */
  public boolean changedBy(Entry entry) {
    PaymentIntent intent = entry.intent();
    return intent != null && !intent.equals(intent(intent.id()).orElse(null));
  }

  public Optional<PaymentIntent> intent(String id) {
    return Optional.ofNullable(positions.get(id)).map(intents::get);
  }

  public Optional<PaymentIntent> intentOfCharge(String chargeId) {
    return Optional.ofNullable(positionsByCharge.get(chargeId)).map(intents::get);
  }

  public Optional<Refund> refund(String id) {
    return Optional.ofNullable(refunds.get(id));
  }

  /** Newest first. */
  public List<Refund> refundsOf(String intentId) {
    return refundsByIntent.getOrDefault(intentId, List.of()).reversed();
  }

  /**
   * Newest first.
   *
   * @param after the id of the intent to begin behind; null to begin with the newest
   * @return empty if there is no such intent
   */
  public Optional<List<PaymentIntent>> newest(String after, int limit) {
    Integer from = after == null ? Integer.valueOf(intents.size()) : positions.get(after);
    if (from == null) {
      return Optional.empty();
    }
    return Optional.of(List.copyOf(intents.subList(Math.max(0, from - limit), from).reversed()));
  }

  /** Those whose metadata has all of these, newest first. Quick if it names any metadata at all. */
  public List<PaymentIntent> search(
      Map<String, String> metadata, Predicate<PaymentIntent> filter, int skip, int limit) {
    List<PaymentIntent> candidates =
        metadata.entrySet().stream()
            .findFirst()
            .map(first -> positionsByMetadata.get(new Label(first.getKey(), first.getValue())))
            .map(places -> places.stream().map(intents::get).toList())
            .orElse(metadata.isEmpty() ? intents : List.of());
    return candidates.reversed().stream()
        .filter(intent -> intent.metadata().entrySet().containsAll(metadata.entrySet()))
        .filter(filter)
        .skip(skip)
        .limit(limit)
        .toList();
  }

  /** All charges from a position on, oldest first. */
  public List<Charge> charges(int from, int limit) {
    List<Charge> page = new ArrayList<>();
    for (int i = from; i < charges.size() && page.size() < limit; i++) {
      page.add(new Charge(i, intents.get(charges.get(i))));
    }
    return page;
  }

  /** One order's charges, oldest first. */
  public List<Charge> chargesOf(String orderId) {
    return positionsByMetadata.getOrDefault(new Label("order_id", orderId), List.of()).stream()
        .map(chargeOf::get)
        .filter(Objects::nonNull)
        .sorted()
        .map(i -> new Charge(i, intents.get(charges.get(i))))
        .toList();
  }

  public int size() {
    return intents.size();
  }

  private void put(PaymentIntent intent) {
    Integer known = positions.get(intent.id());
    int position = known == null ? intents.size() : known;
    PaymentIntent before = known == null ? null : intents.get(position);
    if (before == null) {
      intents.add(intent);
      positions.put(intent.id(), position);
      intent
          .metadata()
          .forEach(
              (key, value) ->
                  positionsByMetadata
                      .computeIfAbsent(new Label(key, value), label -> new ArrayList<>(1))
                      .add(position));
    } else {
      intents.set(position, intent);
    }
    if (intent.latestCharge() != null) {
      positionsByCharge.put(intent.latestCharge(), position);
    }
    if (settled(intent) && (before == null || !settled(before))) {
      chargeOf.put(position, charges.size());
      charges.add(position);
    }
  }

  private static boolean settled(PaymentIntent intent) {
    return intent.status() == IntentStatus.SUCCEEDED || intent.status() == IntentStatus.CANCELED;
  }
}
