import type { ComponentType } from 'react';

import Board from '../pages/board';
import { lazily } from './lazily';
import type { Scope } from './session';

/** A page of the console: where it is, under which group of the menu, and what it loads when somebody goes there. */
export interface Page {
  path: string;
  group: 'duty' | 'orders' | 'admin';
  /** Its word in the menu (`nav.…`); without one it is reached from other pages only. */
  word?:
    | 'board'
    | 'tickets'
    | 'confirmations'
    | 'search'
    | 'manual'
    | 'imports'
    | 'health'
    | 'audit'
    | 'members'
    | 'finance';
  /** Only who may sees it in the menu. */
  scope?: Scope;
  Body: ComponentType;
}

// The first page is in the first chunk; the others come when somebody goes there.
export const PAGES: readonly Page[] = [
  { path: '/board', group: 'duty', word: 'board', Body: Board },
  { path: '/tickets', group: 'duty', word: 'tickets', Body: lazily(() => import('../pages/tickets')) },
  {
    path: '/confirmations',
    group: 'duty',
    word: 'confirmations',
    Body: lazily(() => import('../pages/confirmations')),
  },
  { path: '/orders', group: 'orders', word: 'search', Body: lazily(() => import('../pages/orders')) },
  {
    path: '/orders/new',
    group: 'orders',
    word: 'manual',
    scope: 'operate',
    Body: lazily(() => import('../pages/manual')),
  },
  {
    path: '/imports',
    group: 'orders',
    word: 'imports',
    scope: 'write',
    Body: lazily(() => import('../pages/imports')),
  },
  { path: '/orders/:id', group: 'orders', Body: lazily(() => import('../pages/order')) },
  { path: '/finance', group: 'orders', word: 'finance', Body: lazily(() => import('../pages/finance')) },
  { path: '/health', group: 'admin', word: 'health', Body: lazily(() => import('../pages/health')) },
  { path: '/audit', group: 'admin', word: 'audit', Body: lazily(() => import('../pages/audit')) },
  { path: '/members', group: 'admin', word: 'members', Body: lazily(() => import('../pages/members')) },
];
