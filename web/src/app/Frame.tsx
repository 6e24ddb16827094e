import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, NavLink, Outlet } from 'react-router';

import { Loading } from '../components/Told';
import { switchLanguage } from '../i18n';
import { PAGES } from './pages';
import { may, signOut, useWho } from './session';

const GROUPS = [...new Set(PAGES.map((page) => page.group))];

/** Header, menu and the page between them. Its outline stands in index.html too, for before any script has come. */
export function Frame() {
  const { t } = useTranslation();
  const who = useWho();
  return (
    <>
      <a className="skip" href="#content">
        {t('app.skip')}
      </a>
      <header className="header">
        <Link to="/" className="name">
          同单 Tongdan
        </Link>
        <span className="grow" />
        <button
          type="button"
          className="plain-button"
          onClick={switchLanguage}
          lang={t('app.language') === 'English' ? 'en' : 'zh-CN'}
        >
          {t('app.language')}
        </button>
        <span className="quiet">
          {who && (who.role ? `${who.name} · ${t(`role.${who.role as 'admin'}`)}` : who.name)}
        </span>
        <button type="button" className="plain-button" onClick={() => void signOut()}>
          {t('app.signOut')}
        </button>
      </header>
      <div className="below">
        <nav className="sider">
          {GROUPS.map((group) => (
            <Group key={group} group={group} />
          ))}
        </nav>
        <main id="content" tabIndex={-1}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
    </>
  );
}

function Group({ group }: { group: (typeof GROUPS)[number] }) {
  const { t } = useTranslation();
  const who = useWho();
  const shown = PAGES.filter(
    (page) => page.group === group && page.word && (!page.scope || may(who, page.scope)),
  );
  return (
    <>
      <span id={`menu-${group}`} className="quiet">
        {t(`nav.${group}`)}
      </span>
      <ul aria-labelledby={`menu-${group}`}>
        {shown.map(({ path, word }) => (
          <li key={path}>
            <NavLink to={path} end={shown.some((other) => other.path.startsWith(`${path}/`))}>
              {t(`nav.${word!}`)}
            </NavLink>
          </li>
        ))}
      </ul>
    </>
  );
}
