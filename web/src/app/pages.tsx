import type { ComponentType } from 'react';
import { lazy } from 'react';

/** A page of the console: where it is, under which group of the menu, and what it loads when somebody goes there. */
export interface Page {
  path: string;
  group: 'duty' | 'orders' | 'admin';
  /** Its word in the menu (`nav.…`); without one it is reached from other pages only. */
  word?: 'board' | 'search' | 'audit' | 'members';
  Body: ComponentType;
}

export const PAGES: readonly Page[] = [
  { path: '/board', group: 'duty', word: 'board', Body: lazy(() => import('../pages/board')) },
  { path: '/orders', group: 'orders', word: 'search', Body: lazy(() => import('../pages/orders')) },
  { path: '/orders/:id', group: 'orders', Body: lazy(() => import('../pages/order')) },
  { path: '/audit', group: 'admin', word: 'audit', Body: lazy(() => import('../pages/audit')) },
  { path: '/members', group: 'admin', word: 'members', Body: lazy(() => import('../pages/members')) },
];
