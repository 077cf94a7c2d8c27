package io.holdfast.runtime.telemetry;

/**
 * A piece of work that a trace tells of, from its beginning to its end: one span. Made by {@link
 * Tracing}; used by one thread at a time, which need not be the one that began it. Nothing of it
 * ever fails.
 */
public interface Work {

  /** Of a group that tells nothing. */
  Work UNTOLD =
      new Work() {
        @Override
        public String traceparent(String traceId) {
          return Traceparent.next(traceId);
        }

        @Override
        public Work about(String name, String value) {
          return this;
        }

        @Override
        public Work about(String name, long value) {
          return this;
        }

        @Override
        public Work named(String name) {
          return this;
        }

        @Override
        public Work failed(String why) {
          return this;
        }

        @Override
        public void end(Throwable failure) {}

        @Override
        public void end() {}
      };

  /**
   * The header by which what follows from this work, in another process, becomes its child.
   *
   * @param traceId which the header names if the work is not told
   */
  String traceparent(String traceId);

  /** Adds an attribute; a null value adds none. */
  Work about(String name, String value);

  Work about(String name, long value);

  /** Once more is known than at its beginning. */
  Work named(String name);

  /** It came to nothing. */
  Work failed(String why);

  /** Ends it as failed if there is a failure. */
  void end(Throwable failure);

  /** Once. */
  void end();
}
