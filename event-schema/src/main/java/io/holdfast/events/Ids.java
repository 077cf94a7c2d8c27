package io.holdfast.events;

/**
 * What an id may hold: letters, digits, '-' and '_', as it becomes one token of a subject. At most
 * {@value #MAX_LENGTH} characters.
 */
public final class Ids {

  public static final int MAX_LENGTH = 64;

  private Ids() {}

  /** Whether this may be an id. */
  public static boolean valid(String id) {
    return valid(id, MAX_LENGTH);
  }

  static boolean valid(String id, int maxLength) {
    if (id == null || id.isEmpty() || id.length() > maxLength) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      boolean allowed =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '-'
              || c == '_';
      if (!allowed) {
        return false;
      }
    }
    return true;
  }

  /**
   * Refuses what may not be an id.
   *
   * @throws IllegalArgumentException naming the field, never its value
   */
  public static void check(String field, String id) {
    if (!valid(id)) {
      throw new IllegalArgumentException(field + " " + RULE);
    }
  }

  /** The rule in words, to follow a field's name. */
  public static final String RULE = "must be 1 to " + MAX_LENGTH + " letters, digits, '-' or '_'";
}
