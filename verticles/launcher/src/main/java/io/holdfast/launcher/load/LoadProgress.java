package io.holdfast.launcher.load;

/**
 * How far a load is.
 *
 * @param due customers that have come
 * @param sent of these, those whose request went out
 * @param followed accepted orders whose end will be known
 * @param done of these, those at their end
 * @param coming whether customers still come
 */
public record LoadProgress(
    long due,
    long sent,
    long answered,
    long accepted,
    long errors,
    long followed,
    long done,
    boolean coming) {

  static final LoadProgress NONE = new LoadProgress(0, 0, 0, 0, 0, 0, 0, true);
}
