package io.holdfast.runtime.jetstream;

/** What came of an append that the broker has decided. */
public sealed interface AppendResult {

  /**
   * The fact is in the stream.
   *
   * @param repeated it was there before: an earlier attempt of ours had stored it
   */
  record Appended(long sequence, boolean repeated) implements AppendResult {}

  /** The aggregate has gained another fact; nothing was stored. Decide again, from this. */
  record Conflict(History history) implements AppendResult {}
}
