package io.holdfast.runtime.resilience;

import java.time.Duration;
import java.util.List;

/**
 * How much of a consumer's work the world outside bears at the moment. It is asked before each pull
 * and for each delivery, at least once a second, and answers at once; on any thread.
 */
public interface Pace {

  /** Nothing outside has a say. */
  Pace UNBOUNDED =
      new Pace() {
        @Override
        public int limit() {
          return Integer.MAX_VALUE;
        }

        @Override
        public Duration untilMore() {
          return Duration.ZERO;
        }
      };

  /** How many messages may be in process; with 0, none is to be asked for. */
  int limit();

  /** For how long there will be no more than that, as far as it is known; never negative. */
  Duration untilMore();

  /** That of work of which there is something to do while nothing is borne. */
  static Pace butNotNone(Pace pace) {
    return new Pace() {
      @Override
      public int limit() {
        int limit = pace.limit();
        return limit == 0 ? Integer.MAX_VALUE : limit;
      }

      @Override
      public Duration untilMore() {
        return Duration.ZERO;
      }
    };
  }

  /** That of work which any of these can do: as much as the best of them bears. */
  static Pace best(List<? extends Pace> paces) {
    return paces.isEmpty()
        ? UNBOUNDED
        : new Pace() {
          @Override
          public int limit() {
            return paces.stream().mapToInt(Pace::limit).max().orElseThrow();
          }

          @Override
          public Duration untilMore() {
            return paces.stream().map(Pace::untilMore).min(Duration::compareTo).orElseThrow();
          }
        };
  }
}
