import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';

import en from './en.json';
import zh from './zh-CN.json';

export type Language = 'zh-CN' | 'en';
const KEPT = 'tongdan.language';

function first(): Language {
  return localStorage.getItem(KEPT) === 'en' ? 'en' : 'zh-CN';
}

function show(language: string): void {
  document.documentElement.lang = language;
}

void i18n.use(initReactI18next).init({
  lng: first(),
  fallbackLng: false,
  resources: { 'zh-CN': { translation: zh }, en: { translation: en } },
  interpolation: { escapeValue: false }, // React escapes
  returnNull: false,
});
show(i18n.language);

export function switchLanguage(): void {
  const next: Language = i18n.language === 'en' ? 'zh-CN' : 'en';
  localStorage.setItem(KEPT, next);
  show(next);
  void i18n.changeLanguage(next);
}

/** What the service says in both languages, in the reader's. */
export function said(en: string, zh: string): string {
  return i18n.language === 'en' ? en : zh;
}
