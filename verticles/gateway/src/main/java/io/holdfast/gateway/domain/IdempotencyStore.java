package io.holdfast.gateway.domain;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Remembers what each key's first request came to. Not thread-safe.
 *
 * <p>Kept is what a request came to once its execution began, errors included. What was refused
 * before, such as wrong parameters, leaves the key free.
 *
 * @see <a href="https://docs.stripe.com/api/idempotent_requests">Stripe: idempotent requests</a>
 */
public final class IdempotencyStore {

  /** What a request with a key may do. */
  public sealed interface Claim {

    /** It is the first, and now holds the key until {@link #save} or {@link #release}. */
    record First() implements Claim {}

    /** It came before, and is answered as then. */
    record Replay(Outcome outcome) implements Claim {}

    /** The first is still being worked on. */
    record InUse() implements Claim {}

    /** The key belongs to a request with other parameters. */
    record OtherParameters() implements Claim {}
  }

  private static final Claim FIRST = new Claim.First();
  private static final Claim IN_USE = new Claim.InUse();
  private static final Claim OTHER_PARAMETERS = new Claim.OtherParameters();

  /**
   * @param outcome null while in progress
   */
  private record Held(String fingerprint, Outcome outcome, long savedAt) {}

  private final long lifetimeMillis;
  private final Map<String, Held> keys = new LinkedHashMap<>(); // those saved first come first

  public IdempotencyStore(Duration lifetime) {
    this.lifetimeMillis = lifetime.toMillis();
  }

  /**
   * @param fingerprint equal for requests to the same path with the same parameters
   * @param now milliseconds since 1970
   */
  public Claim claim(String key, String fingerprint, long now) {
    forgetOlderThan(now - lifetimeMillis);
    Held held = keys.get(key);
    if (held == null) {
      keys.put(key, new Held(fingerprint, null, Long.MAX_VALUE));
      return FIRST;
    }
    if (!held.fingerprint().equals(fingerprint)) {
      return OTHER_PARAMETERS;
    }
    return held.outcome() == null ? IN_USE : new Claim.Replay(held.outcome());
  }

  /** Keeps what the key's request came to. */
  public void save(String key, String fingerprint, Outcome outcome, long now) {
    keys.remove(key); // else it would keep the place of its claim
    keys.put(key, new Held(fingerprint, outcome, now));
  }

  /** Nothing came of the request: the key is as if never seen. */
  public void release(String key) {
    keys.remove(key);
  }

  public int size() {
    return keys.size();
  }

  private void forgetOlderThan(long oldest) {
    Iterator<Held> saved = keys.values().iterator();
    while (saved.hasNext()) {
      Held held = saved.next();
      if (held.outcome() == null) {
        continue; // in progress: few, and soon behind the others
      }
      if (held.savedAt() > oldest) {
        return;
      }
      saved.remove();
    }
  }
}
