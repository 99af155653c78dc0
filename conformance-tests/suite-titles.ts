/** How the suite of one bus is titled, so that a reporter can tell which adapter a test is about. */
export const SUITE_TITLE = 'InvalidationBus: ';
export const ENDURANCE_TITLE = 'InvalidationBus endurance: ';

/** What stands between the title of a pending test and the reason; a `]` closes it. */
export const PENDING_MARK = ' [pending: ';
