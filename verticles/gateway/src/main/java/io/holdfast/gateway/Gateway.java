package io.holdfast.gateway;

import io.holdfast.gateway.domain.Circumstances;
import io.holdfast.gateway.domain.Decision;
import io.holdfast.gateway.domain.Decision.Execute;
import io.holdfast.gateway.domain.Decision.Reject;
import io.holdfast.gateway.domain.Entry;
import io.holdfast.gateway.domain.IdempotencyStore;
import io.holdfast.gateway.domain.IdempotencyStore.Claim;
import io.holdfast.gateway.domain.Ledger;
import io.holdfast.gateway.domain.Outcome;
import io.holdfast.gateway.domain.Outcome.Refused;
import io.holdfast.gateway.domain.PaymentRules;
import io.holdfast.gateway.domain.StripeError;
import io.holdfast.gateway.journal.Journal;
import io.holdfast.gateway.journal.LedgerFileException;
import io.vertx.core.Future;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The gateway without HTTP: one ledger, one journal, one request at a time. A decision takes effect
 * in memory at once, so that the next one sees it; but no answer, a mere look included, leaves
 * before all that it may have seen is written. Thread-safe.
 */
public final class Gateway {

  private final InstantSource clock;
  private final Supplier<String> ids;
  private final Ledger ledger = new Ledger();
  private final IdempotencyStore keys;
  private final Journal journal;

  private Gateway(Path file, Duration keyLifetime, InstantSource clock, Supplier<String> ids)
      throws LedgerFileException {
    this.clock = clock;
    this.ids = ids;
    this.keys = new IdempotencyStore(keyLifetime);
    this.journal = Journal.open(file, this::apply);
  }

  /**
   * Opens the ledger and takes up where it ends. Blocks.
   *
   * @param keyLifetime how long a key is remembered
   * @param ids fresh ones, never repeated, not after a restart either
   */
  public static Gateway open(
      Path file, Duration keyLifetime, InstantSource clock, Supplier<String> ids)
      throws LedgerFileException {
    return new Gateway(file, keyLifetime, clock, ids);
  }

  /**
   * Does what a call asks for, once for its key.
   *
   * @return fails only if the ledger cannot be written
   */
  public Future<Answer> perform(Call call, CardNetwork network) {
    if (call.key() != null) {
      Claim claim = claim(call);
      switch (claim) {
        case Claim.First first -> {}
        case Claim.Replay replay -> {
          return answer(replay.outcome(), true);
        }
        case Claim.InUse inUse -> {
          return answer(new Refused(StripeError.keyInUse(call.key()), null), false);
        }
        case Claim.OtherParameters other -> {
          return answer(new Refused(StripeError.keyReused(call.key()), null), false);
        }
      }
    }
    return network.answers().compose(answered -> execute(call, network.declines()));
  }

  /** Looks at the ledger. The function must be quick, and hand out nothing that changes. */
  public <T> Future<T> read(Function<Ledger, T> look) {
    T seen;
    synchronized (this) {
      seen = look.apply(ledger);
    }
    return journal.written().map(seen);
  }

  /** How many intents there are. */
  public synchronized int size() {
    return ledger.size();
  }

  /** Writes what is left. Blocks. */
  public void close() throws InterruptedException {
    journal.close();
  }

  private synchronized Claim claim(Call call) {
    return keys.claim(call.key(), call.fingerprint(), clock.millis());
  }

  private synchronized Future<Answer> execute(Call call, boolean declines) {
    long now = clock.millis();
    Decision decision;
    try {
      decision =
          journal.hasRoom()
              ? PaymentRules.decide(
                  call.command(), ledger, new Circumstances(now / 1000, call.key(), declines, ids))
              : new Reject(StripeError.rateLimited());
    } catch (RuntimeException e) {
      release(call);
      throw e;
    }
    return switch (decision) {
      case Reject reject -> {
        release(call);
        yield answer(reject.outcome(), false);
      }
      case Execute execute -> {
        Entry entry = Entry.of(now, call.key(), call.fingerprint(), execute.outcome());
        if (entry.key() == null && !ledger.changedBy(entry)) {
          yield answer(execute.outcome(), false);
        }
        apply(entry);
        yield journal.append(entry).map(new Answer(execute.outcome(), false));
      }
    };
  }

  private void release(Call call) {
    if (call.key() != null) {
      keys.release(call.key());
    }
  }

  private void apply(Entry entry) {
    ledger.apply(entry);
    if (entry.key() != null) {
      keys.save(entry.key(), entry.fingerprint(), entry.outcome(), entry.at());
    }
  }

  private Future<Answer> answer(Outcome outcome, boolean replayed) {
    return journal.written().map(new Answer(outcome, replayed));
  }
}
